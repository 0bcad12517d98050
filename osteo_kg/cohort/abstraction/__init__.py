"""From columns to situations: the expression that is compiled from the loaded ontology, and what it is made of."""
