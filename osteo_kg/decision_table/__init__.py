"""The decision table of a guideline: minimised for a person, whole for machines."""
