"""What the pages about the knowledge are filled with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docs.generate.terms import Terms
from osteo_kg import KnowledgeBase
from osteo_kg.bilingual import LANGUAGES
from osteo_kg.decision_table import header, lines
from osteo_kg.rdf.terms import RDFS

_OPERATORS = {"above": ">", "atLeast": "≥", "atMost": "≤", "below": "<"}


def vocabulary(knowledge_base: KnowledgeBase) -> Mapping[str, Any]:
    """Give the modules that no guideline is written in."""
    terms = Terms(knowledge_base.knowledge)
    modules = {each for _, each in knowledge_base.knowledge.triples.pairs(RDFS.isDefinedBy)}
    guidelines = terms.subjects("rdf:type", terms.iri("osteo:Guideline"))
    modules -= {module for each in guidelines for module in terms.values(each, "rdfs:isDefinedBy")}
    return {"terms": terms, "modules": sorted(modules)}


def rules(knowledge_base: KnowledgeBase) -> Mapping[str, Any]:
    """Give the guideline, and the notices beside it."""
    terms = Terms(knowledge_base.knowledge)
    kinds = ("osteo:WarningCode", "osteo:AssumptionCode", "osteo:CautionCode")
    return {
        "terms": terms,
        "guideline": knowledge_base.engine().guideline,
        "operators": _OPERATORS,
        "notices": {terms.iri(kind): terms.subjects("rdf:type", terms.iri(kind)) for kind in kinds},
    }


def decision_table(knowledge_base: KnowledgeBase) -> Mapping[str, Any]:
    """Give the minimised table in every language."""
    engine = knowledge_base.engine()
    tables = {language: [header(engine, language), *lines(engine, language)] for language in LANGUAGES}
    return {"guideline": engine.guideline, "tables": tables}
