"""Whatever a record holds and whatever is sent: no draft that could harm, cards as they should be, never an error."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import osteo_kg_server
from osteo_kg import Dataset
from osteo_kg.knowledge.loading import packaged_knowledge
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf.terms import OSTEO, RDF
from tests.support.bundles import (
    ATC,
    HER,
    LOINC,
    OWN,
    POSTMENOPAUSAL,
    RENAL,
    RXNORM,
    SNOMED,
    coded,
    condition,
    medication,
    t_score,
)
from tests.support.fhir_servers import FhirServer, fhir_server, send
from tests.support.hooks import (
    HIP,
    NOTHING,
    Resource,
    cards,
    check_answer,
    draft_of,
    drafted,
    hook,
    posted,
    prefetched,
    searchset,
    walked,
)

pytestmark = pytest.mark.slow


KNOWLEDGE = packaged_knowledge()
TRIPLES, TERMS = KNOWLEDGE.triples, KNOWLEDGE.terms
DRUGS = sorted(iri.removeprefix(OWN) for iri in TERMS.kinds[OSTEO.Drug].values())
CONDITIONS = sorted(iri.removeprefix(OWN) for iri in TERMS.kinds[OSTEO.MedicalCondition].values())
CLEARANCE, FILTRATION = "35591-7", "98979-8"
MEASURED_BY = {CLEARANCE: "creatinineClearance", FILTRATION: "estimatedGfr"}
GROUPS = {"M05BA": f"{OWN}Bisphosphonate", "G03XC": f"{OWN}SelectiveEstrogenReceptorModulator"}
WRIST = condition(SNOMED, "263102004", "2026-02-01")
SPINE = [{**condition(OWN, "VertebralFracture", "2026-01-01"), "id": f"spine{number}"} for number in range(2)]


@dataclass(frozen=True)
class Record:
    """A record, and what of it speaks against drugs."""

    resources: list[Resource]
    conditions: frozenset[str]
    renal: dict[str, Decimal]
    failed: frozenset[str]
    ongoing: bool


@st.composite
def records(draw: st.DrawFn) -> Record:
    """A record in FHIR, in every disposition."""
    resources = list(draw(st.sampled_from([[], [POSTMENOPAUSAL], [POSTMENOPAUSAL], [POSTMENOPAUSAL]])))
    resources += draw(st.sampled_from([[], [HIP], [WRIST], SPINE]))
    score = draw(st.sampled_from([None, 0, -1.5, -2.5, -3.4, -3.4]))
    resources += [] if score is None else [t_score("38267-1", score)]
    resources += draw(st.lists(st.sampled_from(NOTHING), max_size=3, unique_by=id))
    stated = draw(st.lists(st.sampled_from(["climactericDisorders", "lowPeripheralFractureRisk"]), unique=True))
    resources += [_stated(name, draw(st.booleans())) for name in stated]
    conditions = draw(st.lists(st.sampled_from(CONDITIONS), max_size=3, unique=True))
    resources += [{**condition(OWN, each), "id": f"x-{each}"} for each in conditions]
    renal = draw(st.dictionaries(st.sampled_from([CLEARANCE, FILTRATION]), st.sampled_from([20, 31, 35, 80])))
    resources += [_measured(code, value) for code, value in renal.items()]
    history = draw(st.lists(st.tuples(st.sampled_from(DRUGS), st.sampled_from(list(_ENTRIES))), max_size=2))
    resources += [{**_ENTRIES[kind](drug), "id": f"h{number}"} for number, (drug, kind) in enumerate(history)]
    group = draw(st.sampled_from([None, None, None, *GROUPS]))
    resources += [] if group is None else [{**_allergy(ATC, group), "id": "group"}]
    members = set() if group is None else {drug for drug in DRUGS if GROUPS[group] in TERMS.types[OWN + drug]}
    return Record(
        resources,
        frozenset(conditions),
        {MEASURED_BY[code]: Decimal(value) for code, value in renal.items()},
        frozenset(members | {drug for drug, kind in history if kind in ("failure", "intolerance", "allergy")}),
        any(kind == "active" for _, kind in history),
    )


def _stated(name: str, value: bool) -> Resource:
    made = {"resourceType": "Observation", "id": name, "status": "final", "subject": HER}
    return {**made, "code": coded((OWN, name)), "valueBoolean": value}


def _measured(code: str, value: int) -> Resource:
    quantity = {"value": value, "unit": "mL/min" if code == CLEARANCE else "mL/min/{1.73_m2}"}
    return {**RENAL, "id": f"r-{code}", "code": coded((LOINC, code)), "valueQuantity": quantity}


def _allergy(system: str, code: str) -> Resource:
    return {"resourceType": "AllergyIntolerance", "patient": HER, "code": coded((system, code))}


def _taken(drug: str, status: str, outcome: str | None = None) -> Resource:
    reason = {"statusReason": [coded((OWN, outcome))]} if outcome else {}
    return medication("MedicationStatement", status, OWN, drug, **reason)


_ENTRIES = {
    "failure": lambda drug: _taken(drug, "stopped", "Failure"),
    "intolerance": lambda drug: _taken(drug, "stopped", "Intolerance"),
    "allergy": lambda drug: _allergy(OWN, drug),
    "active": lambda drug: _taken(drug, "active"),
    "completed": lambda drug: _taken(drug, "completed"),
}


def contraindicated(drug: str, record: Record) -> bool:
    """Whether the ontology has a contraindication of a drug that the record meets, read without the layer."""
    return any(_is_met(each, record) for each in _statements(drug, "Contraindication"))


def renal_is_missing(drug: str, record: Record) -> bool:
    """Whether a drug has a limit of renal function that the record leaves open."""
    limits = [_Range(each) for statement in _statements(drug, "RenalLimit") for each in _conditions(statement)]
    return any(not each.is_shown(record) and each.is_left_open(record) for each in limits)


def below_limit(drug: str, record: Record) -> bool:
    """Whether renal function is below a limit of a drug, be it a contraindication or a precaution."""
    return any(_is_met(each, record) for each in _statements(drug, "RenalLimit"))


def _is_met(statement: str, record: Record) -> bool:
    return any(
        each.removeprefix(OWN) in record.conditions or (each in RANGES and _Range(each).is_shown(record))
        for each in _conditions(statement)
    )


def _conditions(statement: str) -> list[str]:
    return TRIPLES.objects(statement, OSTEO.arisesFromCondition)


RANGES = frozenset(TRIPLES.subjects(RDF.type, OSTEO.RenalFunctionRange))


class _Range:
    """A range of renal function, and what a record says of it (docs/reference/reading.md R12)."""

    def __init__(self, iri: str) -> None:
        self.least = TRIPLES.decimal(iri, OSTEO.atLeast) or Decimal(0)
        self.below = TRIPLES.decimal(iri, OSTEO.below) or Decimal(1000)
        self.measures = {each.removeprefix(OWN) for each in TRIPLES.objects(iri, OSTEO.measures)}

    def has(self, value: Decimal) -> bool:
        return self.least <= value < self.below

    def is_shown(self, record: Record) -> bool:
        """A number in it, or a recorded stage within it."""
        stages = _recorded(record)
        within = any(self.least <= each.least and each.below <= self.below for each in stages)
        return within or any(self.has(value) for value in record.renal.values())

    def is_left_open(self, record: Record) -> bool:
        """Nothing known; only numbers of another measure; or a stage that reaches over a bound."""
        own = [value for name, value in record.renal.items() if name in self.measures]
        over = [each for each in _recorded(record) if each.least < self.below and self.least < each.below]
        blurred = any(not any(each.has(value) for value in own) for each in over)
        return blurred or (not own and (bool(record.renal) or not _recorded(record)))


def _recorded(record: Record) -> list[_Range]:
    return [_Range(OWN + each) for each in record.conditions if OWN + each in RANGES]


def _statements(drug: str, kind: str) -> Iterator[str]:
    for statement in TRIPLES.subjects(OSTEO.isAboutDrug, OWN + drug):
        if OWN + kind in TERMS.types[statement]:
            yield statement


SERVICES = {"DensitometryRequired", "SpecialistOpinion"}
MANY = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


def test_the_safety_of_drugs_is_found_here_too() -> None:
    """Lest the properties below hold of nothing."""
    none = Record([], frozenset(), {}, frozenset(), False)
    low = Record([], frozenset({"Hypocalcaemia"}), {"creatinineClearance": Decimal(20)}, frozenset(), False)
    assert {drug for drug in DRUGS if renal_is_missing(drug, none)} == {"Alendronate", "Risedronate", "Zoledronate"}
    assert {drug for drug in DRUGS if contraindicated(drug, low)} > {"Risedronate", "Zoledronate", "Denosumab"}
    assert {"Raloxifene", "Teriparatide"} < {drug for drug in DRUGS if contraindicated(drug, low)}
    assert [drug for drug in DRUGS if contraindicated(drug, none)] == []
    assert {drug for drug in DRUGS if below_limit(drug, low)} == {"Alendronate", "Risedronate", "Zoledronate"}


@MANY
@given(record=records(), language=st.sampled_from(["en", "fr"]))
def test_no_card_drafts_what_could_harm(
    cds: FlaskClient, templates: dict[str, str], record: Record, language: str
) -> None:
    """A drug that failed, was not tolerated, is contraindicated, or needs a renal value that is missing."""
    body = hook(prefetch=prefetched(templates, *record.resources))
    response = posted(cds, body, language)
    assert response.status_code == 200, response.get_data(as_text=True)
    check_answer(response.get_json())
    drugs = {each for card in response.get_json()["cards"] for each in drafted(card)} - SERVICES
    assert drugs & record.failed == set()
    assert [drug for drug in drugs if contraindicated(drug, record)] == []
    assert [drug for drug in drugs if renal_is_missing(drug, record) or below_limit(drug, record)] == []
    assert not (record.ongoing and drugs)


@MANY
@given(record=records(), drugs=st.lists(st.sampled_from(DRUGS), min_size=1, max_size=3, unique=True))
def test_every_order_that_could_harm_is_told(
    cds: FlaskClient, templates: dict[str, str], record: Record, drugs: list[str]
) -> None:
    """Whatever the guideline decides: a contraindicated one strongest of all, and no order in a card."""
    drafts = searchset([draft_of(OWN, drug, id=drug) for drug in drugs])
    found = cards(cds, hook("order-sign", prefetched(templates, *record.resources), draftOrders=drafts))
    told = {card["summary"].partition(":")[0]: card["indicator"] for card in found}
    assert [card for card in found if "suggestions" in card] == []
    for drug in drugs:
        indicator = told.get(TERMS.label(OWN + drug).en)
        if contraindicated(drug, record):
            assert indicator == "critical"
        elif drug in record.failed or renal_is_missing(drug, record) or below_limit(drug, record):
            assert indicator == "warning"
        else:
            assert indicator != "critical"


# What is malformed


NAMES = ["resourceType", "entry", "resource", "id", "link", "issue", "code", "coding", "total", "url", "relation"]
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from(
        ["example", "Bundle", "Patient", "next", "OperationOutcome", "https://x.example", "..", "9" * 5000]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


def whole(name: str, templates: dict[str, str]) -> Resource:
    """A call with everything in it."""
    access = {"access_token": "x", "token_type": "Bearer", "expires_in": 300, "scope": "user/*.read", "subject": "ehr"}
    orders = {"draftOrders": searchset([draft_of(RXNORM, "46041")])} if name != "patient-view" else {}
    chosen = {"selections": ["MedicationRequest/draft"]} if name == "order-select" else {}
    if orders:
        orders["draftOrders"]["entry"][0]["resource"]["id"] = "draft"
    said = hook(name, prefetched(templates, HIP, RENAL), encounterId="1", **orders, **chosen)
    return copy.deepcopy({**said, "fhirServer": "https://fhir.example/r4", "fhirAuthorization": access})


def mutate(body: Resource, data: st.DataObject) -> None:
    """Replace, take away, wrap or double a part."""
    places = [path.split("/")[1:] for path, _ in walked(body) if path and "://" not in path]
    *way, last = data.draw(st.sampled_from(places))
    node: Any = body
    for step in way:
        node = node[int(step) if isinstance(node, list) else step]
    key: Any = int(last) if isinstance(node, list) else last
    how = data.draw(st.sampled_from(["replace", "replace", "take away", "wrap", "double"]))
    if how == "take away":
        del node[key]
    else:
        old = node[key]
        node[key] = {"wrap": [old], "double": [old, old]}.get(how) or data.draw(ANY_JSON)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), name=st.sampled_from(["patient-view", "order-select", "order-sign"]), times=st.integers(1, 3))
def test_whatever_is_sent_is_answered_or_refused_with_a_reason(
    cds: FlaskClient, templates: dict[str, str], data: st.DataObject, name: str, times: int
) -> None:
    """Never an error of the service, and never a card that breaks a rule."""
    body = whole(name, templates)
    for _ in range(times):
        mutate(body, data)
    told(posted(cds, body))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_bytes_of_any_kind_are_refused_with_a_reason(cds: FlaskClient, data: st.DataObject) -> None:
    told(posted(cds, data.draw(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))))


def told(response: Any) -> None:
    """Hold a response to what every one must be."""
    assert response.status_code in (200, 400, 412, 422), response.get_data(as_text=True)
    if response.status_code == 200:
        check_answer(response.get_json())
    elif response.status_code != 422:
        assert response.get_json(force=True)["detail"].endswith(".")


@pytest.fixture(scope="module")
def server() -> Iterator[FhirServer]:
    with fhir_server(POSTMENOPAUSAL, HIP) as running:
        yield running


@pytest.fixture(scope="module")
def calling(knowledge_base: KnowledgeBase, server: FhirServer) -> FlaskClient:
    allowed = osteo_kg_server.Settings(fhir_servers=(server.url,))
    return osteo_kg_server.create_app(knowledge_base, Dataset({}), allowed).test_client()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    answer=ANY_JSON | st.dictionaries(st.sampled_from(NAMES), ANY_JSON), where=st.sampled_from(["/Pat", "/Cond", "/"])
)
def test_whatever_a_server_answers_is_used_or_a_reason(
    calling: FlaskClient, server: FhirServer, templates: dict[str, str], answer: Any, where: str
) -> None:
    server.misbehaving = {where: lambda request: send(request, answer)}
    prefetch = {key: None for key in templates if key not in ("patient", "conditions", "lists")}
    told(posted(calling, {**hook(prefetch=prefetch), "fhirServer": server.url}))
