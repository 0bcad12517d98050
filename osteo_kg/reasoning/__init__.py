"""What a guideline says of a situation, by OWL 2 RL and SPARQL, and of every way in which a situation may turn out."""
