"""What a cohort is read from: each format as a table of flat records."""
