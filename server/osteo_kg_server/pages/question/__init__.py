"""`/sparql` for people: a question in an editor that knows our terms, its answer as a table and as a plot."""
