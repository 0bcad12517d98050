"""What a cohort is written to: decisions, summary, page, files, triples and explanations."""
