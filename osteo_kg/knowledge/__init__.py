"""What the ontology says, loaded: the modules, the vocabulary of cases, the guidelines."""

from osteo_kg.knowledge.codes import Code
from osteo_kg.knowledge.guideline import (
    Criterion,
    Guideline,
    Listing,
    Option,
    Rule,
    Span,
    guideline_template,
    read_guideline,
)
from osteo_kg.knowledge.loading import (
    ONTOLOGY_FORMATS,
    Knowledge,
    load_knowledge,
    nested_turtle,
    owners,
    packaged_knowledge,
    written_ontology,
)
from osteo_kg.knowledge.readings import OTHER, PACKAGED, OtherReading
from osteo_kg.knowledge.table_words import FALSE, MISSING, NONE, TRUE, TableWords, plain_word
from osteo_kg.knowledge.terms import Terms
from osteo_kg.knowledge.words import folded, plain_unit

__all__ = [
    "FALSE",
    "MISSING",
    "NONE",
    "ONTOLOGY_FORMATS",
    "OTHER",
    "PACKAGED",
    "TRUE",
    "Code",
    "Criterion",
    "Guideline",
    "Knowledge",
    "Listing",
    "Option",
    "OtherReading",
    "Rule",
    "Span",
    "TableWords",
    "Terms",
    "folded",
    "guideline_template",
    "load_knowledge",
    "nested_turtle",
    "owners",
    "packaged_knowledge",
    "plain_unit",
    "plain_word",
    "read_guideline",
    "written_ontology",
]
