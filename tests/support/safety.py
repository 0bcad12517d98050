"""The safety layer for tests: a woman for whom every option is open, and the worked patients of each drug."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from osteo_kg import Assessment
from osteo_kg.assessment.model import Caution
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf.terms import OSTEO
from tests.support.worked import ON, ROOT, exact_json

SAFETY = ROOT / "tests" / "safety"
NS = OSTEO.iri
#: A woman for whom every option of the guideline is open, so that each drug can be asked about.
EVERYTHING_OPEN: dict[str, Any] = {
    "patient": "urn:case:safety",
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "age_years": 55,
    "t_score_total_hip": Decimal("-3.2"),
    "fractures": [{"site": "vertebra", "mechanism": "low-energy", "count": 2}],
    "treatment_history": [],
    "climacteric_disorders": True,
    "low_peripheral_fracture_risk": True,
}
ASSUMED = "medical-history-assumed-complete"
WHOLE = {
    ASSUMED,
    "medical-history-open",
    "exclude-atypical-femoral-fracture",
    "renal-function-contradictory",
    "renal-impairment-not-listed",
}  # these stand beside the whole answer


@dataclass(frozen=True)
class Told:
    """One worked patient, and what must be told of one drug."""

    id: str
    title: str
    drug: str
    record: dict[str, Any]
    contraindications: list[str]
    cautions: list[str]


def _read(path: Path) -> list[Told]:
    items = yaml.safe_load(path.read_text(encoding="utf-8"))
    records_ = [{k: Decimal(str(v)) if isinstance(v, float) else v for k, v in i.pop("record").items()} for i in items]
    return [Told(drug=path.stem, record=record, **item) for item, record in zip(items, records_, strict=True)]


WORKED = [told for path in sorted(SAFETY.glob("*.yaml")) for told in _read(path)]
assert WORKED


def assess_open(knowledge_base: KnowledgeBase, *more: dict[str, Any], **asked: Any) -> Assessment:
    record = EVERYTHING_OPEN | {key: value for each in more for key, value in each.items()}
    [case] = knowledge_base.read(exact_json(record), "json")
    return knowledge_base.assess(case, on=ON, **asked)


def drug_of(knowledge_base: KnowledgeBase, key: str) -> str:
    return knowledge_base.knowledge.terms.kinds[OSTEO.Drug][key]


def told_of(assessment: Assessment, drug: str) -> tuple[list[Caution], list[Caution]]:
    """Give the contraindications and the cautions of the layer about one drug."""
    [option] = [option for option in assessment.options if drug in option.drugs]
    cautions = [each for each in option.cautions if each.is_safety and each.drug == drug]
    return [each for each in option.contraindications if each.drug == drug], cautions


def codes_of(cautions: list[Caution]) -> list[str]:
    return sorted(each.code for each in cautions)
