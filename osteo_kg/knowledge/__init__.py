"""What the ontology says, loaded: the modules, the vocabulary of cases, the guidelines."""

from osteo_kg.knowledge.guideline import Criterion, Guideline, Listing, Option, Rule, Span, read_guideline
from osteo_kg.knowledge.loading import ONTOLOGY_FORMATS, Knowledge, load_knowledge, packaged_knowledge, written_ontology
from osteo_kg.knowledge.terms import Code, Terms
from osteo_kg.knowledge.words import folded, plain_unit

__all__ = [
    "ONTOLOGY_FORMATS",
    "Code",
    "Criterion",
    "Guideline",
    "Knowledge",
    "Listing",
    "Option",
    "Rule",
    "Span",
    "Terms",
    "folded",
    "load_knowledge",
    "packaged_knowledge",
    "plain_unit",
    "read_guideline",
    "written_ontology",
]
