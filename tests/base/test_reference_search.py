"""Every way of searching plain data for references finds the same ones."""

from __future__ import annotations

import random
from typing import Any

from bson import SON, DBRef, Int64

from mongoengine.base.plain import documents_refer, has_references

DEEPEST = 4


def any_value(rng: random.Random, depth: int = 0) -> Any:
    chance = rng.random()
    if chance < 0.55 or depth > DEEPEST:
        return rng.choice([1, "a", None, 2.5, Int64(3)])
    if chance < 0.75:
        return [any_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    if chance < 0.94:
        return {str(key): any_value(rng, depth + 1) for key in range(rng.randrange(4))}
    return rng.choice(
        [
            DBRef("target", 1),
            {"_cls": "Target"},
            {"_ref": 1},
            SON([("key", any_value(rng, depth + 1))]),
            (any_value(rng, depth + 1),),
        ]
    )


def any_documents(rng: random.Random) -> list[dict[str, Any]]:
    return [
        {str(key): any_value(rng) for key in range(rng.randrange(4))}
        for _ in range(rng.randrange(3))
    ]


def test_documents_are_searched_as_any_data_is() -> None:
    rng = random.Random(1)
    for _ in range(3000):
        documents = any_documents(rng)
        assert documents_refer(documents) == has_references(documents)
