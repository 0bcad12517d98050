"""Findings written out: as lines that an editor can jump from, as JSON, and as SARIF 2.1.0 for pull requests.

SARIF is written by hand: the few members that are used are those of its section 3, and the libraries for it generate
classes of the whole schema.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from osteo_kg.bilingual import BilingualText, Language, to_json
from osteo_kg.checking.findings import SEVERITIES, KnowledgeFinding, Severity
from osteo_kg.package_data import software_version

FORMATS = ("text", "json", "sarif")
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "information": "note"}
_WORDS: dict[Severity, tuple[BilingualText, BilingualText]] = {
    "error": (BilingualText("error", "erreur"), BilingualText("errors", "erreurs")),
    "warning": (BilingualText("warning", "avertissement"), BilingualText("warnings", "avertissements")),
    "information": (BilingualText("information", "information"), BilingualText("of information", "informations")),
}
_NOTHING = BilingualText("Nothing to correct.", "Rien à corriger.")


def sentence(finding: KnowledgeFinding, language: Language) -> str:
    """Say a finding in one line: where, how bad, about what, what is wrong, what was found, what to do.

    >>> told = BilingualText("No module declares osteo:Treet.", ""), BilingualText("Did you mean osteo:Treat?", "")
    >>> sentence(KnowledgeFinding("error", "undeclared-term", "a.ttl", 3, None, "urn:r", "osteo:Treet", *told), "en")
    'a.ttl:3: error: urn:r: No module declares osteo:Treet. Did you mean osteo:Treat? [undeclared-term]'
    """
    numbers = [str(each) for each in (finding.file, finding.line, finding.column) if each is not None]
    severity = _WORDS[finding.severity][0].get(language)
    named = [":".join(numbers)] if numbers else []
    named += [severity, *([finding.subject] if finding.subject else [])]
    return f"{': '.join(named)}: {told(finding, language)} [{finding.code}]"


def told(finding: KnowledgeFinding, language: Language) -> str:
    """Say what is wrong, with what was found where the sentence does not name it, and what to do."""
    message = finding.message.get(language)
    if finding.value is not None and f"{finding.value}" not in message:
        message = f"{message.removesuffix('.')} ({finding.value})."
    return f"{message} {finding.advice.get(language)}".strip()


def as_text(findings: Sequence[KnowledgeFinding], language: Language) -> str:
    """Write a line for each finding, and one that counts them."""
    return "".join(
        f"{line}\n" for line in (*(sentence(each, language) for each in findings), summary(findings, language))
    )


def summary(findings: Sequence[KnowledgeFinding], language: Language) -> str:
    """Count findings in words."""
    counts = Counter(each.severity for each in findings)
    parts = [f"{counts[each]} {_WORDS[each][counts[each] > 1].get(language)}" for each in SEVERITIES if counts[each]]
    return f"{', '.join(parts)}." if parts else _NOTHING.get(language)


def as_json(findings: Iterable[KnowledgeFinding], language: Language) -> list[dict[str, Any]]:
    """Write findings as JSON has them, with their sentences in one language."""
    return [to_json(each, language) for each in findings]


def as_sarif(findings: Sequence[KnowledgeFinding], language: Language) -> dict[str, Any]:
    """Write findings as a log of SARIF 2.1.0."""
    codes = sorted({each.code for each in findings})
    first = {code: next(each for each in findings if each.code == code) for code in codes}
    rules = [{"id": code, "shortDescription": {"text": first[code].message.get(language)}} for code in codes]
    driver = {
        "name": "osteo-kg check",
        "semanticVersion": software_version(),
        "informationUri": "https://w3id.org/osteo-kg/ontology/osteo-kg",
        "language": language,
        "rules": rules,
    }
    run = {
        "tool": {"driver": driver},
        "language": language,
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, codes.index(each.code), language) for each in findings],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: KnowledgeFinding, rule: int, language: Language) -> dict[str, Any]:
    stated = {"subject": finding.subject, "value": finding.value}
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": told(finding, language)},
        "properties": {name: value for name, value in stated.items() if value is not None},
    }
    if finding.file is not None:
        region = {"startLine": finding.line or 1} | ({"startColumn": finding.column} if finding.column else {})
        location: dict[str, Any] = {"artifactLocation": {"uri": _address(finding.file)}, "region": region}
        result["locations"] = [{"physicalLocation": location}]
    return result


def _address(file: str) -> str:
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
