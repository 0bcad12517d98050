"""FHIR R4 in and out: from bundles to cases, and from cases to bundles."""

from osteo_kg.case.fhir.medications import Order, read_order
from osteo_kg.case.fhir.reader import Assumption, read_fhir
from osteo_kg.case.fhir.searches import Search, searches, titled_searches
from osteo_kg.case.fhir.writer import bundle_of

__all__ = ["Assumption", "Order", "Search", "bundle_of", "read_fhir", "read_order", "searches", "titled_searches"]
