"""The page of a patient: a form of the flat record; beside it what the guideline says, why, and what would change it."""
