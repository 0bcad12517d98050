"""Modules checked as they are written: what is wrong, where, and what to do."""

from osteo_kg.checking.check import check, check_before_use
from osteo_kg.checking.findings import KnowledgeFinding, Severity, is_clean

__all__ = ["KnowledgeFinding", "Severity", "check", "check_before_use", "is_clean"]
