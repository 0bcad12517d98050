"""A fracture of a site that the guideline leaves out is warned of by the shapes, whichever site it is."""

from __future__ import annotations

import json

import pytest

from osteo_kg.knowledge import packaged_knowledge
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf import OSTEO
from tests.support.worked import ON

NOTICE = "non-osteoporotic-site"


@pytest.mark.parametrize("site", packaged_knowledge().terms.kinds[OSTEO.Fracture])
def test_shapes_warn_of_a_site_where_the_answer_does(knowledge_base: KnowledgeBase, site: str) -> None:
    [case] = knowledge_base.read(json.dumps({"patient": "a", "fractures": [site]}), "json")
    prepared = knowledge_base.prepare(case, on=ON)
    found = NOTICE in {each.notice for each in prepared.report.findings}
    assert found == (NOTICE in {each.code for each in knowledge_base.assess(prepared).warnings})
