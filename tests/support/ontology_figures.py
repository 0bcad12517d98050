"""The figures of the ontology, now and at revisions: `python -m tests.support.ontology_figures [REVISION…]`.

How many terms there are, and of the classes and properties the shares with an example, with a definition by genus and
difference. A super-term is a class below no other that has classes or individuals below it; it is aligned where it has
a place beside a vocabulary that others use.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from osteo_kg.rdf import OSTEO, OWL, RDF, RDFS, SKOS, Lookup

ROOT = Path(__file__).resolve().parents[2]
_PROPERTIES = (OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty)
_EXAMPLES = (SKOS.example, ox.NamedNode("http://purl.org/vocab/vann/example"))
_MATCHES = tuple(SKOS[f"{name}Match"] for name in ("exact", "close", "broad", "narrow", "related"))
_DIFFERENCE = """that which who whom whose of in by to at with without from for on between under below above beside
after before about made given taken recorded known added not until over into than as where when such inside outside
met read"""
#: An article, a genus of some words, and a word or a comma with which a difference begins.
_DEFINES = re.compile(
    rf"(?:An?|The|One|Any) (?P<genus>[^,.;:]+?)(?: (?:{'|'.join(_DIFFERENCE.split())})\b|,) .+", re.DOTALL
)
_HEAD = re.compile(r" (?:of|that|with|in|by|never|for)\b")


@dataclass(frozen=True)
class Figures:
    """How many there are of each kind, and how many of them have what is asked for."""

    terms: int
    classes_and_properties: int
    with_example: int
    by_genus_and_difference: int
    super_terms: int
    super_terms_aligned: int

    def __str__(self) -> str:
        """Say each figure, with its share."""

        def share(some: int, of: int) -> str:
            return f"{some} of {of} ({some / of:.0%})"

        both = self.classes_and_properties
        return (
            f"terms: {self.terms}; with an example: {share(self.with_example, both)}; "
            f"by genus and difference: {share(self.by_genus_and_difference, both)}; "
            f"super-terms aligned: {share(self.super_terms_aligned, self.super_terms)}"
        )


def figures(store: ox.Store) -> Figures:
    """Count, over all modules in one store."""
    known = Lookup(store)
    classes = set(_ours(known.subjects(RDF.type, OWL.Class.value)))
    properties = {each for kind in _PROPERTIES for each in _ours(known.subjects(RDF.type, kind.value))}
    individuals = set(_ours(known.subjects(RDF.type, OWL.NamedIndividual.value)))
    both = classes | properties
    above = {each for each in classes if not set(_ours(known.objects(each, RDFS.subClassOf)))}
    above = {each for each in above if known.subjects(RDFS.subClassOf, each) or known.subjects(RDF.type, each)}
    return Figures(
        terms=len(both | individuals),
        classes_and_properties=len(both),
        with_example=sum(any(known.objects(each, example) for example in _EXAMPLES) for each in both),
        by_genus_and_difference=sum(defines(known, each, is_class=each in classes) for each in both),
        super_terms=len(above),
        super_terms_aligned=sum(any(known.objects(each, match) for match in _MATCHES) for each in above),
    )


def _ours(iris: Iterable[str]) -> Iterator[str]:
    return (each for each in iris if each.startswith(OSTEO.iri))


def defines(known: Lookup, iri: str, *, is_class: bool) -> bool:
    """Whether the English definition names a genus and a difference; of a class below another, the one above."""
    definition, above = known.text(iri, SKOS.definition), _above(known, iri)
    found = _DEFINES.fullmatch(definition.en) if definition else None
    if found is None:
        return False
    words = {word.removesuffix("s") for word in re.findall(r"[a-z-]+", found["genus"].lower())}
    return not is_class or not above or any(_head(known, each) in words for each in above)


def _above(known: Lookup, iri: str) -> set[str]:
    """Give every class above one."""
    found: set[str] = set()
    waiting = [iri]
    while waiting:
        new = set(_ours(known.objects(waiting.pop(), RDFS.subClassOf))) - found
        found |= new
        waiting += new
    return found


def _head(known: Lookup, iri: str) -> str:
    """Give the noun that a label is about: `fracture` of *fracture of the ankle*."""
    label = known.text(iri, RDFS.label)
    return _HEAD.split(label.en.lower())[0].split()[-1].removesuffix("s") if label else ""


def loaded(files: Iterable[bytes]) -> ox.Store:
    """Load Turtle files into one store."""
    store = ox.Store()
    for content in files:
        store.bulk_load(content, format=ox.RdfFormat.TURTLE)
    return store


def present() -> ox.Store:
    """Load the modules as they lie."""
    return loaded(path.read_bytes() for path in sorted((ROOT / "ontology").rglob("*.ttl")))


def at(revision: str) -> ox.Store:
    """Load the modules of a revision."""
    archive = subprocess.run(["git", "archive", revision, "ontology"], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = [tar.extractfile(each) for each in tar if each.name.endswith(".ttl")]
        return loaded(each.read() for each in files if each is not None)


if __name__ == "__main__":
    for revision in sys.argv[1:]:
        print(f"{revision} {figures(at(revision))}")
    print(f"now {figures(present())}")
