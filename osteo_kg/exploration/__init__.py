"""Around an answer: what to ask next, what lies on both sides of a threshold, and what would lead to another answer."""

from osteo_kg.exploration.change import Change, changes
from osteo_kg.exploration.question import Question, next_question, questions
from osteo_kg.exploration.strip import Strip, StripBand, strips
from osteo_kg.exploration.words import band_text

__all__ = ["Change", "Question", "Strip", "StripBand", "band_text", "changes", "next_question", "questions", "strips"]
