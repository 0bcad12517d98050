"""What the ontology says, loaded: the modules, the vocabulary of cases, the guidelines."""
