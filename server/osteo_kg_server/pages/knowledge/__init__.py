"""Pages of the knowledge: the terms, the guideline and its source, the decision table, what is found by a search."""
