"""RDF mechanics with nothing clinical in them: terms, look-ups, reading and writing, the text of SPARQL."""
