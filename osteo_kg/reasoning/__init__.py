"""What a guideline says of a situation, by OWL 2 RL and SPARQL, and of every way in which a situation may turn out."""

from osteo_kg.reasoning.answers import LOWEST_T_SCORE, Answer, OptionAnswer
from osteo_kg.reasoning.cache import cache_folder
from osteo_kg.reasoning.closure import ENTRY, PATIENT, VALUE
from osteo_kg.reasoning.dimensions import (
    NONE,
    NOT_APPLICABLE,
    UNKNOWN,
    Band,
    BandDimension,
    CodedDimension,
    Dimension,
    StatementDimension,
    refined,
)
from osteo_kg.reasoning.engine import Engine
from osteo_kg.reasoning.matching import ELIGIBLE, MET, NOT_ELIGIBLE, NOT_MET, UNDETERMINED, Outcome
from osteo_kg.reasoning.section_dimension import AT_LEAST, SectionDimension
from osteo_kg.reasoning.situations import Key, SituationSpace

__all__ = [
    "AT_LEAST",
    "ELIGIBLE",
    "ENTRY",
    "LOWEST_T_SCORE",
    "MET",
    "NONE",
    "NOT_APPLICABLE",
    "NOT_ELIGIBLE",
    "NOT_MET",
    "PATIENT",
    "UNDETERMINED",
    "UNKNOWN",
    "VALUE",
    "Answer",
    "Band",
    "BandDimension",
    "CodedDimension",
    "Dimension",
    "Engine",
    "Key",
    "OptionAnswer",
    "Outcome",
    "SectionDimension",
    "SituationSpace",
    "StatementDimension",
    "cache_folder",
    "refined",
]
