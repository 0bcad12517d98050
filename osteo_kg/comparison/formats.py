"""A difference written out: a summary in words, every row as CSV, JSON, a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from osteo_kg import package_data
from osteo_kg.bilingual import COLON, BilingualText, Language, shown_count, shown_share, typeset
from osteo_kg.comparison.changes import KINDS, SAME, Side
from osteo_kg.comparison.difference import Difference, Row
from osteo_kg.comparison.variants import Variant
from osteo_kg.decision_table import csv_lines
from osteo_kg.rdf import OSTEO, local_name

_MOST_SHOWN = 10  # groups of a summary
_WORDS = {
    SAME: BilingualText("the same answer", "réponse identique"),
    "stronger": BilingualText("stronger", "plus fort"),
    "weaker": BilingualText("weaker", "plus faible"),
    "other": BilingualText("another course of action", "autre conduite à tenir"),
    "decided": BilingualText("decided, where it was undetermined", "tranché alors que c’était indéterminé"),
    "undetermined": BilingualText("undetermined, where it was decided", "indéterminé alors que c’était tranché"),
    "narrower": BilingualText("undetermined, between fewer", "indéterminé, entre moins de conduites"),
    "wider": BilingualText("undetermined, between more", "indéterminé, entre plus de conduites"),
    "strength": BilingualText("another strength", "autre degré"),
    "more-options": BilingualText("more options", "davantage d’options"),
    "fewer-options": BilingualText("fewer options", "moins d’options"),
    "options-decided": BilingualText("an option decided, where it was open", "une option tranchée alors qu’à préciser"),
    "options-undetermined": BilingualText(
        "an option open, where it was decided", "une option à préciser alors que tranchée"
    ),
    "line": BilingualText("another line", "autre ligne de traitement"),
    "obligations": BilingualText("other obligations", "autres obligations"),
    "before": BilingualText("Before", "Avant"),
    "after": BilingualText("After", "Après"),
    "situations": BilingualText("{count} situations", "{count} situations"),
    "patients": BilingualText("{count} patients", "{count} patientes"),
    "refused": BilingualText("{count} refused by both", "{count} dossiers refusés par les deux"),
    "changed": BilingualText("{count} changed ({share})", "{count} changent ({share})"),
    "kinds": BilingualText(
        "In what they changed (one may change in several)", "En quoi elles changent (parfois en plusieurs points)"
    ),
    "why": BilingualText("Why, the gravest first", "Pourquoi, du plus important au moins important"),
    "for": BilingualText("For example", "Par exemple"),
    "more": BilingualText("and {count} more; all of them: --format csv", "et {count} de plus ; tout : --format csv"),
    "no-options": BilingualText("no options", "aucune option"),
    "note": BilingualText(
        "Not a medical device; no clinician has reviewed either reading.",
        "Ce logiciel n’est pas un dispositif médical ; aucun clinicien n’a validé l’une ou l’autre interprétation.",
    ),
    "title": BilingualText("What changes", "Ce qui change"),
}
_COLUMNS = ["change", "situation_before", "situation_after"]
_OF_A_SIDE = ("disposition", "possible", "strength", "rules", "eligible", "undetermined", "obligations")


def text_of(difference: Difference, language: Language) -> Iterator[str]:
    """Say a difference in lines: how many changed in what way, why, and one example of each."""
    return (typeset(line, language) for line in _lines(difference, language))


def _lines(difference: Difference, language: Language) -> Iterator[str]:
    colon = COLON.get(language)
    for name, variant in (("before", difference.before), ("after", difference.after)):
        yield f"{_WORDS[name].get(language)}{colon}{variant.name} ({variant.said.get(language)})"
    yield _total(difference, language)
    if difference.changed:
        yield _WORDS["kinds"].get(language)
        yield from (f"  {count}  {kind}" for kind, count in _counted(difference, language))
        yield _WORDS["why"].get(language)
        for row, count in difference.groups[:_MOST_SHOWN]:
            yield f"  {shown_count(count).get(language)}  {_kinds(row, language)}"
            for name, said in _sides(difference, row, language):
                yield f"      {_WORDS[name].get(language)}{colon}{said}"
            yield f"      {_WORDS['for'].get(language)}{colon}{row.patient or row.situations[1]}"
        left = len(difference.groups) - _MOST_SHOWN
        if left > 0:
            yield f"  {_WORDS['more'].filled({'count': shown_count(left)}).get(language)}"
    yield _WORDS["note"].get(language)


def _total(difference: Difference, language: Language) -> str:
    total = difference.total
    share = {"count": shown_count(difference.changed), "share": shown_share(difference.changed / max(total, 1))}
    said = [_WORDS["patients" if difference.of_patients else "situations"].filled({"count": shown_count(total)})]
    said += [_WORDS["changed"].filled(share)]
    if difference.refused:
        said.append(_WORDS["refused"].filled({"count": shown_count(difference.refused)}))
    return ", ".join(each.get(language) for each in said)


def _counted(difference: Difference, language: Language) -> list[tuple[str, str]]:
    """Give each kind of change with its count."""
    found = difference.kinds
    return [
        (_WORDS[kind].get(language), shown_count(found[kind]).get(language))
        for kind in (SAME, *KINDS)
        if found.get(kind)
    ]


def _kinds(row: Row, language: Language) -> str:
    return ", ".join(_WORDS[kind].get(language) for kind in row.change.kinds or (SAME,))


def _sides(difference: Difference, row: Row, language: Language) -> list[tuple[str, str]]:
    return [
        ("before", _said(difference.before, row.change.before, language)),
        ("after", _said(difference.after, row.change.after, language)),
    ]


def _said(variant: Variant, side: Side, language: Language) -> str:
    """Say one of two answers: what is to be done, by which rule, and which options are open."""
    engine = variant.engine
    kinds, label = engine.knowledge.terms.kinds, engine.knowledge.terms.label
    options = {each.key: each.label.get(language) for each in engine.guideline.options}
    rules = {each.iri: each.restates.get(language) for each in engine.guideline.rules}
    disposition = label(kinds[OSTEO.Disposition][side.disposition]).get(language)
    strength = label(kinds[OSTEO.Strength][side.strength]).get(language) if side.strength else ""
    open_ = [f"{'' if status == 'eligible' else '? '}{options[key]}" for key, status in _open(side)]
    said = [strength or disposition, " ".join(rules[each] for each in side.rules), ", ".join(open_)]
    return " – ".join(each for each in said if each)


def _open(side: Side) -> list[tuple[str, str]]:
    return [(key, status) for key, status in side.options if status in ("eligible", "undetermined")]


def csv_of(difference: Difference, only_changed: bool = False) -> Iterator[str]:
    """Write every row, or those that changed, as lines of CSV: keys, not labels, since it is for machines."""
    patient = ["patient"] if difference.of_patients else []
    sides = [f"{name}_{when}" for when in ("before", "after") for name in _OF_A_SIDE]
    yield from csv_lines([[*patient, *_COLUMNS, *sides]])
    yield from csv_lines(
        [
            *([row.patient or ""] if patient else []),
            " ".join(row.change.kinds or (SAME,)),
            *row.situations,
            *_cells(row.change.before),
            *_cells(row.change.after),
        ]
        for row in difference.rows
        if row.change.kinds or not only_changed
    )


def _cells(side: Side) -> list[str]:
    told = _told(side)
    return [each if isinstance(each, str) else " ".join(each) for each in (told[name] or "" for name in _OF_A_SIDE)]


def _told(side: Side) -> dict[str, Any]:
    return {
        "disposition": side.disposition,
        "possible": list(side.possible),
        "strength": side.strength,
        "rules": [local_name(each) for each in side.rules],
        "eligible": [key for key, status in side.options if status == "eligible"],
        "undetermined": [key for key, status in side.options if status == "undetermined"],
        "obligations": list(side.obligations),
    }


def json_of(difference: Difference, language: Language) -> dict[str, Any]:
    """Give the counts, and every reason for a change with its count and an example."""
    return {
        "before": _variant(difference.before, language),
        "after": _variant(difference.after, language),
        "compared": "patients" if difference.of_patients else "situations",
        "total": difference.total,
        "refused": difference.refused,
        "changed": difference.changed,
        "kinds": {kind: difference.kinds[kind] for kind in (SAME, *KINDS) if difference.kinds.get(kind)},
        "groups": [
            {
                "kinds": list(row.change.kinds),
                "count": count,
                "before": _told(row.change.before),
                "after": _told(row.change.after),
                "example": {"patient": row.patient, "situations": list(row.situations)},
            }
            for row, count in difference.groups
        ],
    }


def _variant(variant: Variant, language: Language) -> dict[str, Any]:
    knowledge = variant.engine.knowledge
    return {
        "name": variant.name,
        "guideline": variant.engine.guideline.iri,
        "readings": list(knowledge.readings),
        "knowledge": knowledge.digest,
        "label": variant.said.get(language),
    }


def html_of(difference: Difference, language: Language) -> str:
    """Write a difference as a page."""

    def word(name: str) -> str:
        return _WORDS[name].get(language)

    return package_data.template("difference.html").render(
        language=language,
        word=word,
        variants=[("before", difference.before), ("after", difference.after)],
        total=_total(difference, language),
        kinds=_counted(difference, language),
        groups=[
            (
                shown_count(count).get(language),
                _kinds(row, language),
                [said for _, said in _sides(difference, row, language)],
                row.patient or row.situations[1],
            )
            for row, count in difference.groups
        ],
    )
