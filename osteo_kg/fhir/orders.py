"""Orders that nobody has carried out: of which drug each is, and whether that can be told at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from osteo_kg.fhir.bundles import Resource, gather
from osteo_kg.fhir.elements import codings, each
from osteo_kg.fhir.facts import Facts
from osteo_kg.fhir.meanings import OWN_SYSTEM, meanings, of_kind
from osteo_kg.fhir.treatments import Treatments, members
from osteo_kg.knowledge import Terms
from osteo_kg.vocabulary import OSTEO


@dataclass(frozen=True, slots=True)
class Order:
    """What an order is of.

    Attributes:
        drugs: the drugs of ours that it is of, by IRI; none where it is of another.
        perhaps: the drugs of ours that it may be of, where that cannot be told.
        told: whether it can be told which drug it is of, ours or not.
        silent: whether it says nothing at all of its drug, or refers to what is not here.
    """

    drugs: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()
    told: bool = True
    silent: bool = False


def read_order(order: Resource, beside: Iterable[Any], terms: Terms) -> Order:
    """Read a MedicationRequest as if it were carried out.

    Args:
        order: the request, of whatever status.
        beside: what it may refer to.
        terms: the vocabulary, with its codes.
    """
    treatments, facts = Treatments(gather(beside).medications), Facts("urn:case:order", terms)
    concept = treatments.drug_concept(order)
    if order.get("doNotPerform") is True:
        return Order()
    drugs = of_kind(meanings(concept, terms), OSTEO.Drug, terms)
    single = [each for each in drugs if each.term in terms.keys]
    if single:
        return Order(tuple(dict.fromkeys(each.term for each in single if treatments.is_meant(order, each, facts))))
    if drugs:
        return Order(perhaps=tuple(each.term for group in drugs for each in members(group, terms)), told=False)
    named, written = _named(concept, terms), list(codings(concept))
    told = not named and any(system == OWN_SYSTEM or terms.codes.knows(system) for system, _ in written)
    return Order(perhaps=named, told=told, silent=not written and not _words(concept))


def _named(concept: Any, terms: Terms) -> tuple[str, ...]:
    """Give the drugs of ours that the words of a concept name; its codes do not."""
    said = " ".join(_words(concept)).casefold()
    drugs = sorted(terms.kinds[str(OSTEO.Drug)].values())
    return tuple(drug for drug in drugs if any(name in said for name in _names(drug, terms)))


def _names(drug: str, terms: Terms) -> frozenset[str]:
    """Give the label of a drug, and the names that its codes have in their systems, in both languages."""
    labels = [terms.label(drug)]
    codes = [terms.label(code.iri) for code in terms.codes.of(drug)]
    inside = [word.partition("(")[2].rstrip(")") for label in codes for word in (label.en, label.fr)]
    return frozenset(name.casefold() for name in (*inside, *(w for t in labels for w in (t.en, t.fr))) if name)


def _words(concept: Any) -> list[str]:
    found = (*each(concept, "text"), *each(concept, "coding", "display"))
    return [word for word in found if isinstance(word, str) and word.strip()]
