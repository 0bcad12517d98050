"""Tables as people have them: what a source calls our columns and values, and how it writes them."""

from osteo_kg.case.tables.columns import IN_PYTHON, ColumnsRead
from osteo_kg.case.tables.dialect import Dialect, dialect_of
from osteo_kg.case.tables.profile import PLAIN, Profile, profile_of, read_profile
from osteo_kg.case.tables.proposal import proposed, proposed_of
from osteo_kg.case.tables.reading import TableReader
from osteo_kg.case.tables.values import ValueReader
from osteo_kg.case.tables.workbooks import read_workbook

__all__ = [
    "IN_PYTHON",
    "PLAIN",
    "ColumnsRead",
    "Dialect",
    "Profile",
    "TableReader",
    "ValueReader",
    "dialect_of",
    "profile_of",
    "proposed",
    "proposed_of",
    "read_profile",
    "read_workbook",
]
