"""The answer about one patient: evidence, notices and safety beside the decision, as text, RDF and FHIR."""

from osteo_kg.assessment.model import Assessment, Caution
from osteo_kg.assessment.safety import DrugSafety
from osteo_kg.assessment.text import Line, assessment_lines, report_lines

__all__ = ["Assessment", "Caution", "DrugSafety", "Line", "assessment_lines", "report_lines"]
