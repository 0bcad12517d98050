"""The page of a patient: a form of the flat record; beside it the answer, why, and what would change it."""
