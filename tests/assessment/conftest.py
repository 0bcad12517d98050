"""What the tests of answers share."""

from __future__ import annotations

import pytest

from osteo_kg.knowledge_base import KnowledgeBase


@pytest.fixture(scope="module")
def without(cache_folder: None) -> KnowledgeBase:
    """The same knowledge with the layer switched off."""
    return KnowledgeBase(safety=False)
