"""One patient, in and out: records, RDF and FHIR to a case, and a case to the facts that it states."""
