"""FHIR R4 in and out: from bundles to cases, and from cases to bundles."""

from osteo_kg.fhir.export import bundle_of
from osteo_kg.fhir.orders import Order, read_order
from osteo_kg.fhir.reader import Assumption, read_fhir

__all__ = ["Assumption", "Order", "bundle_of", "read_fhir", "read_order"]
