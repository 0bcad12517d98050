"""What a check finds in a module, for the person who wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from osteo_kg.bilingual import BilingualText

Severity = Literal["error", "warning", "information"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "information")


@dataclass(frozen=True, slots=True)
class KnowledgeFinding:
    """One thing that a check tells of a module.

    Attributes:
        severity: `error`, where the module cannot be used as it stands; `warning`, where it can, and misleads somebody;
            `information`, where nothing needs to be done.
        code: the kind of finding, in kebab-case, or the name of the shape that found it.
        file: the file as it was named by whoever asked; None where no one file is meant.
        line: the line in it, from 1.
        column: the column in it, in code points from 1; None where the line is all that is known.
        subject: what it is about, as a prefixed name or an IRI.
        value: what was found there.
        message: what is wrong, as a sentence.
        advice: what to do, as a sentence.
    """

    severity: Severity
    code: str
    file: str | None
    line: int | None
    column: int | None
    subject: str | None
    value: str | None
    message: BilingualText
    advice: BilingualText

    @property
    def order(self) -> tuple[object, ...]:
        """What findings are put in order by: the worst first, then file and line."""
        place = (self.file or "", self.line or 0, self.column or 0)
        return (SEVERITIES.index(self.severity), *place, self.subject or "", self.code, self.value or "")


def in_order(findings: Iterable[KnowledgeFinding]) -> tuple[KnowledgeFinding, ...]:
    """Put findings in order, each once."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda each: each.order))


def is_clean(findings: Iterable[KnowledgeFinding]) -> bool:
    """Whether nothing needs to be done: there is neither an error nor a warning."""
    return all(each.severity == "information" for each in findings)
