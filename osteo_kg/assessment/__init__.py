"""The answer about one patient: evidence, notices and safety beside the decision, as text, RDF and FHIR."""
