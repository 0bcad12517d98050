"""The next question worth asking: the first, in an order that is data, whose answer can still change what is said."""

from __future__ import annotations

from dataclasses import dataclass

from osteo_kg.bilingual import BilingualText
from osteo_kg.rdf import OSTEO, RDFS, SKOS
from osteo_kg.reasoning import Answer, Engine


@dataclass(frozen=True, slots=True)
class Question:
    """A question about one fact.

    Attributes:
        fact: the fact, by IRI.
        key: its key in the flat record.
        text: the question.
        why: what it is asked for.
        would_settle: `disposition`, `strength` and the keys of options that it can change; empty where not yet known.
    """

    fact: str
    key: str
    text: BilingualText
    why: BilingualText | None
    would_settle: tuple[str, ...] = ()


def questions(engine: Engine) -> tuple[Question, ...]:
    """Give the questions of a guideline in the order in which they are worth asking (`osteo:displayOrder`).

    A fact that the guideline looks at and has no question for is asked for last, by its name.
    """
    triples, terms = engine.knowledge.triples, engine.knowledge.terms
    stated = triples.objects(engine.guideline.iri, OSTEO.hasQuestionToAsk)
    ordered = sorted(stated, key=lambda each: (int(triples.value(each, OSTEO.displayOrder) or 0), each))
    asked = {
        fact: (triples.text(each, RDFS.label), triples.text(each, SKOS.definition))
        for each in ordered
        for fact in triples.objects(each, OSTEO.asksFor)
        if fact in engine.space.places
    }
    facts = dict.fromkeys((*asked, *engine.space.places))
    found = []
    for fact in facts:
        text, why = asked.get(fact, (None, None))
        found.append(Question(fact, terms.record_keys[fact], text or terms.label(fact), why))
    return tuple(found)


def next_question(engine: Engine, answer: Answer) -> Question | None:
    """Give the next question worth asking; None where nothing that is unknown can change the answer."""
    settles = dict(answer.missing)
    for each in questions(engine):
        if each.fact in settles:
            return Question(each.fact, each.key, each.text, each.why, settles[each.fact])
    return None
