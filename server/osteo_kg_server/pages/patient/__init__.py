"""The page of a patient: a form of the flat record, and beside it what the guideline says, why, and what would change it."""
