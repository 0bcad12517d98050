"""The decision table of a guideline: minimised for a person, whole for machines."""

from osteo_kg.decision_table.rdf import neighbours, situation_triples

__all__ = ["neighbours", "situation_triples"]
