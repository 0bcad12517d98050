"""Variants of the knowledge, as the caller names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from osteo_kg.assessment.readings import said_of, taken_readings
from osteo_kg.bilingual import BilingualText
from osteo_kg.errors import UsageError
from osteo_kg.knowledge import PACKAGED, load_knowledge
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf import OSTEO, RDF, local_name
from osteo_kg.reasoning import Engine

_BETWEEN = ","


@dataclass(frozen=True)
class Variant:
    """One of two things that are compared.

    Attributes:
        name: what the caller calls it.
        guideline: the id of the guideline that answers.
    """

    name: str
    knowledge_base: KnowledgeBase
    guideline: str

    @property
    def engine(self) -> Engine:
        """The guideline at work."""
        return self.knowledge_base.engine(self.guideline)

    @property
    def said(self) -> BilingualText:
        """What it is, in words: its guideline, and the readings that were switched."""
        guideline = self.engine.guideline
        taken = [said_of(each) for each in taken_readings(guideline, self.knowledge_base.knowledge.switched)]
        texts = [" ".join(each.get(language) for each in (guideline.label, *taken)) for language in ("en", "fr")]
        return BilingualText(*texts)


def variant(name: str, guideline: str, folders: Sequence[Path] = ()) -> Variant:
    """Load a variant of the knowledge.

    Args:
        name: `packaged`; readings such as `I15=other,I7=other`; a folder or file of modules; or the id of a guideline.
        guideline: the id of the guideline where the name is none.
        folders: further modules of every variant.

    Raises:
        UsageError: there is no such variant.
        KnowledgeError: its modules cannot be used.
    """
    if name == PACKAGED:
        return Variant(name, KnowledgeBase.load(folders), guideline)
    if "=" in name:
        pairs = [each.partition("=") for each in name.split(_BETWEEN)]
        readings = {key.strip(): choice.strip() for key, _, choice in pairs}
        return Variant(name, KnowledgeBase.load(folders, readings=readings), guideline)
    if _holds_modules(Path(name)):
        return Variant(name, KnowledgeBase.load((*folders, Path(name))), guideline)
    known = _guidelines(folders)
    if name not in known:
        raise UsageError(
            f"There is no variant {name!r} of the knowledge.",
            advice=f"Name {PACKAGED}, a reading such as I15=other, a folder of modules, or one of: {', '.join(known)}.",
        )
    return Variant(name, KnowledgeBase.load(folders), name)


def is_variant(name: str, folders: Sequence[Path] = ()) -> bool:
    """Whether a name is that of a variant, and not of a cohort."""
    path = Path(name)
    if path.exists():
        return _holds_modules(path)
    return name == PACKAGED or "=" in name or name in _guidelines(folders)


def _holds_modules(path: Path) -> bool:
    return path.suffix == ".ttl" if path.is_file() else any(path.rglob("*.ttl")) if path.is_dir() else False


def _guidelines(folders: Sequence[Path]) -> list[str]:
    triples = load_knowledge(folders).triples
    return sorted(local_name(each) for each in triples.subjects(RDF.type, OSTEO.Guideline))
