"""JSON Schemas (2020-12) of what comes in flat and what goes out, with the codes of the loaded ontology."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyoxigraph as ox

from osteo_kg.case import FIELDS, LISTS, SCORES, Field
from osteo_kg.knowledge import Guideline, Knowledge, Terms
from osteo_kg.rdf import OSTEO, SITUATION
from osteo_kg.reasoning import ELIGIBLE, MET, NOT_ELIGIBLE, NOT_MET, UNDETERMINED, UNKNOWN

_Schema = dict[str, Any]
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT: _Schema = {"type": "string"}
_TRUTH: _Schema = {"type": "boolean"}
_DAY: _Schema = {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_DAY_OR_PERIOD: _Schema = {"type": "string", "pattern": "^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"}
_COUNT: _Schema = {"type": "integer", "minimum": 0}
_DIGEST: _Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_KINDS: dict[str, _Schema] = {
    "text": _TEXT,
    "whole": {"type": "integer"},
    "decimal": {"type": "number"},
    "day": _DAY,
    "truth": _TRUTH,
}


def record_schema(terms: Terms) -> _Schema:
    """Give the schema of a flat record (docs/reference/contracts.md, section 3): its keys, their types and codes.

    Ranges, and what contradicts itself, are for the shapes to refuse: they depend on the day and on the other keys.
    """
    return {
        "$schema": _DIALECT,
        "title": "Flat record",
        "description": "One patient. A key that is missing or null is unknown; an empty list is known to be none.",
        "type": "object",
        "properties": {key: _or_null(value) for key, value in _record(terms).items()},
        "additionalProperties": False,
    }


def _record(terms: Terms) -> dict[str, _Schema]:
    return {key: {"title": _title(terms, field), **_field(terms, field)} for key, field in FIELDS.items()}


def _title(terms: Terms, field: Field) -> str:
    """Give the title of a field: the label of the fact that has its key, or else of the property that states it."""
    if field.key in terms.fact_of:
        label = terms.label(terms.fact_of[field.key]).en
        return f"T-score, {label}" if field.key in SCORES else label
    is_shared = field.measurement is not None or field.property is None
    return field.key.replace("_", " ") if is_shared or field.property is None else terms.label(field.property).en


def _field(terms: Terms, field: Field) -> _Schema:
    if field.kind == "list":
        return _array(_or_key(_entry(terms, field)) if field.entry else _coded(terms, _values(field)))
    if field.kind == "coded":
        return _coded(terms, _values(field))
    return _DAY_OR_PERIOD if field.period else _KINDS[field.kind]


def _values(field: Field) -> ox.NamedNode:
    assert field.values is not None  # it is coded
    return field.values


def _entry(terms: Terms, field: Field) -> _Schema:
    """Give the schema of an entry of a list: its first field, and what else may be said of it."""
    main, *others = field.entry
    optional = {each.key: _titled(terms, each) for each in others}
    return _object({main.key: _field(terms, main)}, optional)


def _titled(terms: Terms, field: Field) -> _Schema:
    titled = {"title": terms.label(field.property).en} if field.kind == "whole" and field.property else {}
    return {**titled, **_field(terms, field)}


def _or_key(entry: _Schema) -> _Schema:
    """An entry may also be its main key alone, and what else it could say may be null."""
    [main] = entry["required"]
    fields = {key: value if key == main else _or_null(value) for key, value in entry["properties"].items()}
    return {"anyOf": [fields[main], {**entry, "properties": fields}]}


def assessment_schema(knowledge: Knowledge, guideline: Guideline) -> _Schema:
    """Give the schema of the assessments of one guideline (docs/reference/contracts.md, section 4).

    Every key is always there, but for `readings`, which stands where some reading was switched.
    """
    terms = knowledge.terms
    words = sorted({each.key for each in guideline.interpretations})
    dispositions = sorted(guideline.disposition_keys)
    options = len(guideline.options)
    return {
        "$schema": _DIALECT,
        "title": "Assessment",
        "description": f"What the guideline says of one patient on one day. {guideline.label.en}",
        **_object(
            {
                "patient": _TEXT,
                "guideline": {"const": guideline.iri},
                "version": _object({"software": _TEXT, "knowledge": _DIGEST}),
                "review": _coded(terms, OSTEO.ReviewStatus),
                "assessed_on": _DAY,
                "situation": {"type": "string", "pattern": f"^{SITUATION}{guideline.id}/".replace(".", "[.]")},
                "disposition": _named(terms, "Disposition", [*dispositions, UNDETERMINED]),
                "strength": _or_null(_named(terms, "Strength", {r.strength for r in guideline.rules if r.strength})),
                "possible": {**_array(_one_of(dispositions)), "minItems": 1, "uniqueItems": True},
                "options": {"anyOf": [{"maxItems": 0}, {"minItems": options}], "maxItems": options}
                | _array(_option(terms, guideline, words)),
                "cautions": _cautions(terms),
                "missing": _array(_missing(terms, guideline)),
                "obligations": _array(_one_of(each.key for each in guideline.obligations)),
                "rules": {
                    **_array(_rule(terms, guideline, words)),
                    "minItems": len(guideline.rules),
                    "maxItems": len(guideline.rules),
                },
                "warnings": _array(_notice(terms, OSTEO.WarningCode, words)),
                "assumptions": _array(_notice(terms, OSTEO.AssumptionCode, words)),
            },
            {"readings": {**_array(_object({"interpretation": _one_of(words), "reading": _TEXT})), "minItems": 1}},
        ),
    }


def _option(terms: Terms, guideline: Guideline, words: list[str]) -> _Schema:
    return _object(
        {
            "treatment": _one_of(each.key for each in guideline.options),
            "status": _one_of([ELIGIBLE, NOT_ELIGIBLE, UNDETERMINED]),
            "line": _or_null(_one_of({each.line for each in guideline.listings.values() if each.line})),
            "listed": _or_null(_TRUTH),
            "listed_by": _array(_one_of(each.iri for each in guideline.rules)),
            "interpretations": _array(_one_of(words)),
            "drugs": _array(_one_of({drug for each in guideline.options for drug in each.drugs})),
            "criteria": _array(_criterion(terms, guideline)),
            "open_facts": {**_array(_one_of(_facts(terms, guideline))), "uniqueItems": True},
            "cautions": _cautions(terms),
            "contraindications": _array(_caution(terms, OSTEO.Contraindication)),
        }
    )


def _rule(terms: Terms, guideline: Guideline, words: list[str]) -> _Schema:
    return _object(
        {
            "id": _one_of(each.iri for each in guideline.rules),
            "status": _one_of([MET, NOT_MET, UNKNOWN]),
            "restates": _TEXT,
            "cites": _object({"start": _COUNT, "end": _COUNT, "sha256": _DIGEST}),
            "criteria": _array(_criterion(terms, guideline)),
            "interpretations": _array(_one_of(words)),
        }
    )


def _criterion(terms: Terms, guideline: Guideline) -> _Schema:
    values = _evidence(terms)
    facts = [key for fact in _facts(terms, guideline) for key in (SCORES if fact not in values else (fact,))]
    facts += [terms.record_keys[each] for each in terms.deciding.values()]
    return _object(
        {
            "id": _one_of(guideline.criteria),
            "label": _TEXT,
            "status": _one_of([MET, NOT_MET, UNKNOWN]),
            "evidence": _array(
                {"anyOf": [_object({"fact": {"const": fact}, "value": values[fact]}) for fact in sorted(facts)]}
            ),
        }
    )


def _evidence(terms: Terms) -> dict[str, _Schema]:
    """Give what may be told of each fact: the value of its key; of a section one entry, or that there is none."""
    entries = {
        field.key: _entry(terms, field) if field.entry else _object({"condition": _coded(terms, _values(field))})
        for field in LISTS
    }
    own = _record(terms)
    born = {
        key: {"title": own[key]["title"], **_DAY_OR_PERIOD}
        for key in (terms.record_keys[each] for each in terms.deciding.values())
    }
    return own | born | {key: {"anyOf": [{"const": []}, entry]} for key, entry in entries.items()}


def _facts(terms: Terms, guideline: Guideline) -> list[str]:
    return sorted({terms.record_keys[fact] for each in guideline.criteria.values() for fact in each.facts})


def _missing(terms: Terms, guideline: Guideline) -> _Schema:
    settled = ["disposition", "strength", *(each.key for each in guideline.options)]
    return _object(
        {
            "fact": _one_of(_facts(terms, guideline)),
            "would_settle": {**_array(_one_of(settled)), "minItems": 1, "uniqueItems": True},
        }
    )


def _notice(terms: Terms, kind: ox.NamedNode, words: list[str]) -> _Schema:
    return _object({"code": _coded(terms, kind), "message": _TEXT, "interpretation": _or_null(_one_of(words))})


def _cautions(terms: Terms) -> _Schema:
    """Cautions of the guideline, and those of the safety layer beside it."""
    return _array(_caution(terms, OSTEO.CautionCode, OSTEO.SafetyCautionCode, OSTEO.Precaution))


def _caution(terms: Terms, *kinds: ox.NamedNode) -> _Schema:
    drugs = _or_null(_one_of(terms.kinds[OSTEO.Drug].values()))
    codes = {
        "title": terms.label(kinds[0]).en,
        **_one_of({key for kind in kinds for key in terms.kinds[kind]}),
    }
    return _object({"code": codes, "message": _TEXT, "drug": drugs, "source": _TEXT})


def _object(required: Mapping[str, _Schema], optional: Mapping[str, _Schema] | None = None) -> _Schema:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def _array(items: _Schema) -> _Schema:
    return {"type": "array", "items": items}


def _one_of(codes: Iterable[str]) -> _Schema:
    return {"enum": sorted(codes)}


def _coded(terms: Terms, kind: ox.NamedNode) -> _Schema:
    return {"title": terms.label(kind).en, **_one_of(terms.kinds[kind])}


def _named(terms: Terms, kind: str, codes: Iterable[str]) -> _Schema:
    return {"title": terms.label(OSTEO[kind]).en, **_one_of(codes)}


def _or_null(value: _Schema) -> _Schema:
    if "enum" in value:
        return {**value, "enum": [*value["enum"], None]}
    return {**value, "type": [value["type"], "null"]}
