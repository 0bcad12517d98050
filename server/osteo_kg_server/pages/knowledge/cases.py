"""The pages of kept cases: their list, and each case with its assessment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

import pyoxigraph as ox
from flask import Response

from osteo_kg import Assessment, Language
from osteo_kg.assessment import full_lines, headline, short_answer, short_lines
from osteo_kg.bilingual import BilingualText, shown_day
from osteo_kg.rdf import OSTEO, SITUATION, XSD
from osteo_kg_server.pages.knowledge.index import index
from osteo_kg_server.pages.knowledge.links import Link, address_of, link_to
from osteo_kg_server.pages.layout import Alternate, Crumb, here, page

PATH = "/cases"
ON_A_PAGE = 50  # cases, each with what its assessment comes to
_CRUMB = {"en": Crumb("Cases", PATH), "fr": Crumb("Cas", PATH)}
_BELOW = BilingualText("Everything: below.", "Tout le détail : ci-dessous.")
_MEDIA = (("application/json", "json"), ("text/turtle", "turtle"), ("application/ld+json", "jsonld"))
_LOCAL = "urn:case:"
_PREFIXES = {"osteo": OSTEO.iri, "xsd": XSD.iri}


@dataclass(frozen=True, slots=True)
class Listed:
    """A case in the list: where it is, what its assessment comes to, and on which day it was made."""

    link: Link
    headline: str
    day: str
    situation: Link | None


def address(patient: str, **parameters: str) -> str:
    """Give the address of a case."""
    return here(f"{PATH}/{quote(patient, safe='')}", **parameters)


def cases_page(
    answers: Sequence[tuple[str, Assessment | None]], count: int, after: str | None, language: Language
) -> Response:
    """Make the page that lists some of the cases that are kept.

    Args:
        answers: the patients listed, each with her assessment.
        count: how many cases are kept altogether.
        after: the patient behind whom the next page begins; None where this is the last.
        language: that of the page.
    """
    return page(
        "knowledge/cases.html",
        language,
        title=_CRUMB[language].text,
        alternates=[Alternate("application/json", here(PATH, format="json"))],
        cases=[_listed(patient, assessment, language) for patient, assessment in answers],
        count=count,
        after=here(PATH, after=after) if after else None,
    )


def case_page(
    patient: str, triples: Sequence[ox.Triple], assessment: Assessment | None, language: Language
) -> Response:
    """Make the page of one case: the answer, and the graph as it was read."""
    short = short_lines(short_answer(assessment, language), everything=_BELOW) if assessment else []
    return page(
        "knowledge/case.html",
        language,
        title=_name(patient),
        crumbs=[_CRUMB[language]],
        alternates=[Alternate(media, address(patient, format=name)) for media, name in _MEDIA],
        patient=patient,
        short=short,
        full=list(full_lines(assessment, language)) if assessment else [],
        situation=_situation(assessment, language),
        guideline=link_to(index(), assessment.guideline, language) if assessment else None,
        turtle=(ox.serialize(triples, format=ox.RdfFormat.TURTLE, prefixes=_PREFIXES) or b"").decode("utf-8"),
    )


def _listed(patient: str, assessment: Assessment | None, language: Language) -> Listed:
    return Listed(
        Link(_name(patient), address(patient)),
        headline(assessment, language) if assessment else "",
        shown_day(assessment.assessed_on.isoformat()).get(language) if assessment else "",
        _situation(assessment, language),
    )


def _situation(assessment: Assessment | None, language: Language) -> Link | None:
    if assessment is None or not assessment.situation.startswith(SITUATION):
        return None
    return Link("situation", here(address_of(assessment.situation)))


def _name(patient: str) -> str:
    return unquote(patient.removeprefix(_LOCAL))
