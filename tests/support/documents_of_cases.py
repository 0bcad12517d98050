"""One woman in every format, and the pieces that tests of reading are made of."""

from __future__ import annotations

import json
from typing import Any

import pyoxigraph as ox

from osteo_kg import Assessment, Case, KnowledgeBase, read_case
from osteo_kg.rdf.terms import CONTEXT
from tests.support.worked import ON

FORMATS = ("ttl", "nt", "jsonld", "rdf", "json", "jsonl", "csv")
PREFIXES = """
    @prefix osteo: <https://w3id.org/osteo-kg/ns/> .
    @prefix lifted: <https://w3id.org/osteo-kg/lifted/> .
    @prefix owl: <http://www.w3.org/2002/07/owl#> .
    @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
    @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
    @prefix foaf: <http://xmlns.com/foaf/0.1/> .
    @prefix : <urn:case:> .
"""
WOMAN = ":anna a osteo:Patient ; osteo:hasSex osteo:Female ; osteo:hasMenopausalStatus osteo:Postmenopausal .\n"
TURTLE = f"""{PREFIXES}{WOMAN}
    :anna osteo:ageInYears 58 ; osteo:birthDate "1968-03-02"^^xsd:date ;
      osteo:hasBoneDensitometry :anna-1 , :anna-2 , :anna-3 ;
      osteo:hasFracture :anna-f1 , :anna-f2 , :anna-f3 ;
      osteo:hasPastTreatment :anna-t1 , :anna-t2 ;
      osteo:hasCondition osteo:SecondaryOsteoporosisCause ;
      osteo:climactericDisorders true ; osteo:lowPeripheralFractureRisk false .
    :anna-1 a osteo:BoneDensitometry ; osteo:hasSite osteo:LumbarSpine ; osteo:tScore -2.7 ;
      osteo:performedOn "2026-05-01"^^xsd:date .
    :anna-2 a osteo:BoneDensitometry ; osteo:hasSite osteo:FemoralNeck ; osteo:tScore -2.96 ;
      osteo:performedOn "2026-05-01"^^xsd:date .
    :anna-3 a osteo:BoneDensitometry ; osteo:hasSite osteo:TotalHip ; osteo:tScore -1 ;
      osteo:performedOn "2026-05-01"^^xsd:date .
    :anna-f1 a osteo:VertebralFracture ; osteo:hasMechanism osteo:LowEnergyTrauma ;
      osteo:occurredOn "2026-02-01"^^xsd:date ; osteo:fracturedVertebraCount 2 .
    :anna-f2 a osteo:DistalRadiusFracture .
    :anna-f3 a osteo:HandFracture ; osteo:hasMechanism osteo:HighEnergyTrauma .
    :anna-t1 a osteo:PastTreatment ; osteo:withDrug osteo:Alendronate ; osteo:hasOutcome osteo:Intolerance .
    :anna-t2 a osteo:PastTreatment ; osteo:withDrug osteo:Raloxifene .
"""
RECORD: dict[str, Any] = {
    "patient": "urn:case:anna",
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "age_years": 58,
    "birth_date": "1968-03-02",
    "t_score_lumbar_spine": -2.7,
    "t_score_femoral_neck": -2.96,
    "t_score_total_hip": -1,
    "densitometry_date": "2026-05-01",
    "fractures": [
        {"site": "vertebra", "mechanism": "low-energy", "date": "2026-02-01", "count": 2},
        "distal-radius",
        {"site": "hand", "mechanism": "high-energy"},
    ],
    "treatment_history": [{"drug": "alendronate", "outcome": "intolerance"}, {"drug": "raloxifene"}],
    "conditions": ["secondary-osteoporosis-cause"],
    "climacteric_disorders": True,
    "low_peripheral_fracture_risk": False,
}
CELLS = {
    **{key: str(value).lower() for key, value in RECORD.items()},
    "fractures": "vertebra:low-energy:2026-02-01:x2;distal-radius;hand:high-energy",
    "treatment_history": "alendronate:intolerance;raloxifene",
    "conditions": "secondary-osteoporosis-cause",
}
LINKED: dict[str, Any] = {
    "@context": CONTEXT,
    "id": "urn:case:anna",
    "type": "Patient",
    "hasSex": "Female",
    "hasMenopausalStatus": "Postmenopausal",
    "ageInYears": 58,
    "birthDate": "1968-03-02",
    "hasBoneDensitometry": [
        {
            "id": f"urn:case:anna-{place}",
            "type": "BoneDensitometry",
            "hasSite": site,
            "tScore": score,
            "performedOn": "2026-05-01",
        }
        for place, (site, score) in enumerate((("LumbarSpine", -2.7), ("FemoralNeck", -2.96), ("TotalHip", -1)))
    ],
    "hasFracture": [
        {
            "id": "urn:case:anna-f1",
            "type": "VertebralFracture",
            "hasMechanism": "LowEnergyTrauma",
            "occurredOn": "2026-02-01",
            "fracturedVertebraCount": 2,
        },
        {"id": "urn:case:anna-f2", "type": "DistalRadiusFracture"},
        {"id": "urn:case:anna-f3", "type": "HandFracture", "hasMechanism": "HighEnergyTrauma"},
    ],
    "hasPastTreatment": [
        {"id": "urn:case:anna-t1", "type": "PastTreatment", "withDrug": "Alendronate", "hasOutcome": "Intolerance"},
        {"id": "urn:case:anna-t2", "type": "PastTreatment", "withDrug": "Raloxifene"},
    ],
    "hasCondition": "SecondaryOsteoporosisCause",
    "climactericDisorders": True,
    "lowPeripheralFractureRisk": False,
}


def rewritten(form: ox.RdfFormat) -> str:
    written = ox.serialize(ox.parse(TURTLE, format=ox.RdfFormat.TURTLE), format=form)
    assert written is not None
    return written.decode()


DOCUMENTS = {
    "ttl": TURTLE,
    "nt": rewritten(ox.RdfFormat.N_TRIPLES),
    "rdf": rewritten(ox.RdfFormat.RDF_XML),
    "jsonld": json.dumps(LINKED),
    "json": json.dumps(RECORD),
    "jsonl": json.dumps(RECORD) + "\n",
    "csv": ",".join(CELLS) + "\r\n" + ",".join(CELLS.values()) + "\r\n",
}


def one_case(text: str | bytes, form: str | None = "ttl", **options: Any) -> Case:
    [case] = read_case(PREFIXES + text if form == "ttl" and isinstance(text, str) else text, form, **options)
    return case


def record(**changes: Any) -> str:
    woman = {"patient": "anna", "sex": "female", "menopausal_status": "postmenopausal"}
    return json.dumps({**woman, **changes})


def linked(**changes: Any) -> str:
    woman = {"@id": ":anna", "@type": "Patient", "hasSex": "Female", "hasMenopausalStatus": "Postmenopausal"}
    return json.dumps({**woman, **{"@id": "urn:case:anna"}, **changes})


def scored(*literals: str) -> str:
    scores = " , ".join(literals)
    return (
        f"{WOMAN} :anna osteo:hasBoneDensitometry "
        f"[ a osteo:BoneDensitometry ; osteo:hasSite osteo:TotalHip ; osteo:tScore {scores} ] ."
    )


def aged(literal: str) -> str:
    return f"{WOMAN} :anna osteo:ageInYears {literal} ."


def born(literal: str) -> str:
    return f"{WOMAN} :anna osteo:birthDate {literal} ."


def fractured(statements: str) -> str:
    return f"{WOMAN} :anna osteo:hasFracture [ {statements} ] ."


def counted(literal: str) -> str:
    return fractured(f"a osteo:VertebralFracture ; osteo:fracturedVertebraCount {literal}")


def rdf_xml(inner: str, declarations: str = "") -> str:
    doctype = f"<!DOCTYPE rdf:RDF [{declarations}]>" if declarations else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{doctype}'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:osteo="https://w3id.org/osteo-kg/ns/">'
        f'<osteo:Patient rdf:about="urn:case:anna">{inner}</osteo:Patient></rdf:RDF>'
    )


def typed(property_: str, datatype: str, text: str) -> str:
    iri = f"http://www.w3.org/2001/XMLSchema#{datatype}"
    return f'<osteo:{property_} rdf:datatype="{iri}">{text}</osteo:{property_}>'


def shown(assessment: Assessment) -> dict[str, Any]:
    return assessment.to_json("en")


def values(case: Case, property_: str) -> set[str]:
    found = (t.object for t in case.triples if t.predicate.value.endswith(f"/{property_}"))
    return {term.value for term in found if isinstance(term, ox.NamedNode | ox.Literal)}


def refused_paths(knowledge_base: KnowledgeBase, case: Case) -> set[str]:
    """Give the paths of the violations; each says in both languages what is wrong and what to do."""
    violations = knowledge_base.validate(case, on=ON).violations
    assert all(
        text for each in violations for text in (each.message.en, each.message.fr, each.advice.en, each.advice.fr)
    )
    return {each.path.rpartition("#")[2].rpartition("/")[2] for each in violations}
