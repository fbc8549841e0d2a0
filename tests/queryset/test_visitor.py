"""`Q`: conditions combined with `&` and `|`, and negated with `~`."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import pytest

from mongoengine import Document, IntField, Q, StringField
from mongoengine.errors import InvalidQueryError
from mongoengine.query.q import (
    QCombination,
    QNode,
    QNodeVisitor,
    SimplificationVisitor,
)


class VisitedPage(Document):
    title = StringField(db_field="t")
    views = IntField(db_field="v")
    size = IntField()


A, B, C = Q(title="x"), Q(views=1), Q(size=2)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Q(), {}),
        (A, {"t": "x"}),
        (A & B, {"t": "x", "v": 1}),
        (A | B, {"$or": [{"t": "x"}, {"v": 1}]}),
        (A & B | C, {"$or": [{"t": "x", "v": 1}, {"size": 2}]}),
        ((A | B) & C, {"$and": [{"$or": [{"t": "x"}, {"v": 1}]}, {"size": 2}]}),
        (A & Q(title="y"), {"$and": [{"t": "x"}, {"t": "y"}]}),
        (Q(views__gt=1) & Q(views__lt=5), {"v": {"$gt": 1, "$lt": 5}}),
        (Q(views__gt=1) & Q(views=5), {"$and": [{"v": {"$gt": 1}}, {"v": 5}]}),
        (Q(__raw__={"a": 1}) & A, {"a": 1, "t": "x"}),
        (~A, {"$nor": [{"t": "x"}]}),
        (~Q(title="x", views=1), {"$nor": [{"t": "x", "v": 1}]}),
        (~(A & B), {"$nor": [{"t": "x", "v": 1}]}),
        (~(A | B), {"$nor": [{"t": "x"}, {"v": 1}]}),
        (~(A | (B & C)), {"$nor": [{"t": "x"}, {"v": 1, "size": 2}]}),
        (~~A, {"t": "x"}),
        (~~(A | B), {"$or": [{"t": "x"}, {"v": 1}]}),
        (~~(A & B), {"t": "x", "v": 1}),
        (~Q(), {}),
        (A & ~Q(), {"t": "x"}),
        (A & ~B, {"$and": [{"t": "x"}, {"$nor": [{"v": 1}]}]}),
        (~A & ~B, {"$and": [{"$nor": [{"t": "x"}]}, {"$nor": [{"v": 1}]}]}),
        (A | ~B, {"$or": [{"t": "x"}, {"$nor": [{"v": 1}]}]}),
        (~(A & ~B), {"$nor": [{"$and": [{"t": "x"}, {"$nor": [{"v": 1}]}]}]}),
        (~(A | ~B), {"$nor": [{"t": "x"}, {"$nor": [{"v": 1}]}]}),
        (~Q(views__gt=1), {"$nor": [{"v": {"$gt": 1}}]}),
        (~Q(__raw__={"a": 1}), {"$nor": [{"a": 1}]}),
    ],
    ids=repr,
)
def test_conditions_become_filters(condition: QNode, expected: dict[str, Any]) -> None:
    assert condition.to_query(VisitedPage) == expected


def test_empty_conditions_vanish() -> None:
    assert (A & Q()) is A
    assert (Q() | A) is A
    assert not (Q() & Q())


def test_negating_twice_gives_the_condition_itself() -> None:
    for condition in (A, A & B, A | B, ~A, ~(A | B), Q()):
        assert ~~condition == condition
    assert ~~A is A
    assert not ~Q()


def test_negations_are_not_taken_apart() -> None:
    inner = ~A
    outer = QCombination(QNode.NOR, [inner, B])
    assert outer.children == [inner, B]


def test_negations_show_what_they_say() -> None:
    assert repr(~A) == f"~{A!r}"
    assert repr(~(A | B)) == f"~({A!r} | {B!r})"
    assert repr(~(A & B) | C) == f"(~({A!r} & {B!r}) | {C!r})"


def test_unknown_names_in_negations_are_refused() -> None:
    with pytest.raises(InvalidQueryError):
        (~Q(nothing=1)).to_query(VisitedPage)


def test_combinations_of_one_kind_are_flat() -> None:
    condition = (A | B) | (C | Q(title="y"))
    assert isinstance(condition, QCombination)
    assert condition.children == [A, B, C, Q(title="y")]


def test_making_a_filter_leaves_the_condition_as_it_was() -> None:
    condition = (A | B) & C
    before = copy.deepcopy(condition)
    condition.to_query(VisitedPage)
    assert condition == before


def test_simplifying_leaves_the_condition_as_it_was() -> None:
    condition = A & B
    assert condition.accept(SimplificationVisitor()) == Q(title="x", views=1)
    assert condition == Q(title="x") & Q(views=1)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InvalidQueryError, match='Cannot resolve field "nope"'):
        (A & Q(nope=1)).to_query(VisitedPage)


def test_conditions_are_equal_by_what_they_say() -> None:
    assert A == Q(title="x")
    assert A != B
    assert (A & B) == (Q(title="x") & Q(views=1))
    assert (A & B) != (B & A)
    assert (A & B) != (A | B)
    assert A != (A & B)
    assert A != {"title": "x"}


@pytest.mark.parametrize("condition", [A, A & B], ids=repr)
def test_conditions_are_not_hashable(condition: QNode) -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(condition)


def test_conditions_show_what_they_say() -> None:
    assert repr(A) == "Q(**{'title': 'x'})"
    shown = "((Q(**{'title': 'x'}) & Q(**{'views': 1})) | Q(**{'size': 2}))"
    assert repr(A & B | C) == shown


def test_conditions_can_be_copied_and_pickled() -> None:
    condition = A & (B | C)
    assert copy.deepcopy(condition) == condition
    assert pickle.loads(pickle.dumps(condition)) == condition


@pytest.mark.parametrize("condition", [Q(), A, A & B], ids=repr)
def test_empty_is_deprecated(condition: QNode) -> None:
    with pytest.warns(DeprecationWarning, match="not bool") as caught:
        assert condition.empty is not bool(condition)
    assert caught[0].filename == __file__


def test_truth_needs_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert A
        assert not Q()


def test_a_visitor_sees_the_leaves_before_their_combination() -> None:
    seen: list[str] = []

    class Listing(QNodeVisitor):
        def visit_query(self, query: Q) -> Any:
            seen.append(next(iter(query.query)))
            return query

        def visit_combination(self, combination: QCombination) -> Any:
            seen.append("&" if combination.operation == QNode.AND else "|")
            return combination

    (A & (B | C)).accept(Listing())
    assert seen == ["title", "views", "size", "|", "&"]


def test_a_bare_node_cannot_be_asked() -> None:
    with pytest.raises(NotImplementedError):
        QNode().to_query(VisitedPage)
