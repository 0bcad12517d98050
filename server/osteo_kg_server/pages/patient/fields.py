"""What the form asks for: fields of the flat record, in the groups, order and words that the ontology gives them."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from osteo_kg import BilingualText
from osteo_kg.case import FIELDS, Field
from osteo_kg.knowledge import Knowledge
from osteo_kg.rdf import OSTEO, RDF, RDFS, SKOS

_NONE = BilingualText("none", "aucun")
_ADD = BilingualText("Add an entry", "Ajouter une entrée")


@dataclass(frozen=True, slots=True)
class Value:
    """A value that may be chosen: its key and what it is called."""

    key: str
    label: BilingualText


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of the form.

    Attributes:
        name: its name in the form: a key of the record, or of an entry the key of the list, a full stop and a key.
        field: what the record says of it.
        values: the values that may be chosen; none where it is written.
        entry: the fields of an entry; of a list of coded values that value alone.
    """

    name: str
    field: Field
    label: BilingualText
    help: BilingualText | None
    values: tuple[Value, ...] = ()
    entry: tuple[FormField, ...] = ()
    none_label: BilingualText = _NONE
    add_label: BilingualText = _ADD

    @property
    def kind(self) -> str:
        """How it is filled in: `rows`, `boxes`, or as the kind of the field says."""
        if self.field.kind != "list":
            return self.field.kind
        return "rows" if self.field.section else "boxes"


@dataclass(frozen=True, slots=True)
class FormGroup:
    """Fields that stand together; folded until one of them holds something."""

    name: str
    label: BilingualText
    help: BilingualText | None
    is_folded: bool
    fields: tuple[FormField, ...]


@dataclass(frozen=True, slots=True)
class _Described:
    iri: str
    group: str
    order: int


class Form:
    """The form of one knowledge base."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._described = dict(self._descriptions())

    @functools.cached_property
    def groups(self) -> tuple[FormGroup, ...]:
        """Every group with its fields, in their order; a field that nothing is said of stands in the last."""
        triples = self._knowledge.triples
        names = triples.subjects(RDF.type, OSTEO.FormGroup)
        ordered = sorted(names, key=lambda each: int(triples.value(each, OSTEO.displayOrder) or 0))
        asked = sorted(
            FIELDS.values(), key=lambda each: self._described[each.key].order if each.key in self._described else 0
        )
        found = []
        for name in ordered:
            fields = tuple(self._field(each, each.key) for each in asked if self._group(each.key, ordered[-1]) == name)
            found.append(
                FormGroup(
                    name=name.removeprefix(OSTEO.iri),
                    label=self._knowledge.terms.label(name),
                    help=triples.text(name, SKOS.definition),
                    is_folded=triples.value(name, OSTEO.isFolded) == "true",
                    fields=fields,
                )
            )
        return tuple(found)

    @functools.cached_property
    def fields(self) -> dict[str, FormField]:
        """Every field by its name, those of entries not among them."""
        return {each.name: each for group in self.groups for each in group.fields}

    def _descriptions(self) -> Iterator[tuple[str, _Described]]:
        triples = self._knowledge.triples
        for iri, key in triples.pairs(OSTEO.fieldKey):
            order = int(triples.value(iri, OSTEO.displayOrder) or 0)
            yield key, _Described(iri, triples.value(iri, OSTEO.inFormGroup) or "", order)

    def _group(self, key: str, last: str) -> str:
        return self._described[key].group if key in self._described else last

    def _field(self, field: Field, name: str) -> FormField:
        triples, described = self._knowledge.triples, self._described.get(name)
        label = help_ = none = add = None
        if described:
            label, help_ = (triples.text(described.iri, each) for each in (RDFS.label, SKOS.definition))
            none, add = (triples.text(described.iri, each) for each in (OSTEO.noneLabel, OSTEO.addLabel))
        return FormField(
            name=name,
            field=field,
            label=label or BilingualText(field.key, field.key),
            help=help_,
            values=tuple(self._values(field)),
            entry=tuple(self._entry(field, name)),
            none_label=none or _NONE,
            add_label=add or _ADD,
        )

    def _entry(self, field: Field, name: str) -> Iterator[FormField]:
        for each in field.entry:
            yield self._field(each, f"{name}.{each.key}")
        if field.section and not field.entry:
            yield self._field(replace(field, kind="coded", section=None), name)

    def _values(self, field: Field) -> Iterator[Value]:
        if field.values is not None:
            terms = self._knowledge.terms
            for key, iri in terms.kinds[field.values].items():
                yield Value(key, terms.label(iri))
