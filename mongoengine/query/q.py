"""`Q`: conditions that can be combined with `&` and `|`, and negated with `~`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from mongoengine.base.types import RawDocument, RawMapping, RawValue
from mongoengine.base.utils import warn_caller
from mongoengine.errors import InvalidQueryError
from mongoengine.query import filters
from mongoengine.query.expressions import Expression
from mongoengine.query.safe_values import are_safe

__all__ = ("Q", "QNode")


def warn_empty_is_deprecated() -> None:
    """Warn that `empty` should be written `not bool(...)`."""
    warn_caller(
        "'empty' property is deprecated in favour of using 'not bool(filter)'",
        DeprecationWarning,
    )


class DuplicateQueryConditionsError(InvalidQueryError):
    """One keyword stands in several of the conditions that should be merged."""


class QNodeVisitor:
    """Visitor of a tree of conditions; by itself it changes nothing."""

    def visit_combination(self, combination: QCombination) -> object:
        """Return a combination, whose children were visited before."""
        return combination

    def visit_query(self, query: Q) -> object:
        """Return a leaf."""
        return query


class SimplificationVisitor(QNodeVisitor):
    """Merges conditions joined by `&` into one, where no keyword repeats."""

    def visit_combination(self, combination: QCombination) -> object:
        """Return one `Q` for a conjunction of leaves, or the combination."""
        leaves = [node for node in combination.children if isinstance(node, Q)]
        if combination.operation == QNode.AND and leaves == combination.children:
            try:
                return Q(**self._query_conjunction(leaf.query for leaf in leaves))
            except DuplicateQueryConditionsError:
                pass  # an `$and` takes them side by side
        return combination

    def _query_conjunction(self, queries: Iterable[RawMapping]) -> RawDocument:
        """Return the keywords of all queries.

        :raises DuplicateQueryConditionsError: if a keyword is repeated
        """
        merged: RawDocument = {}
        for query in queries:
            if not merged.keys().isdisjoint(query):
                raise DuplicateQueryConditionsError
            merged.update(query)
        return merged


#: Makes the filter of a leaf: of a class, keywords, and whether values are safe.
Compile: TypeAlias = Callable[[Any, RawMapping, bool], RawDocument]


class QueryCompilerVisitor(QNodeVisitor):
    """Makes the MongoDB filter of each node, for one document class."""

    def __init__(
        self,
        document: Any,
        compile_leaf: Compile | None = None,
        safe: bool | None = None,
    ) -> None:
        self.document = document
        self.compile_leaf: Compile = compile_leaf or filters.local_query
        self.safe = are_safe(document) if safe is None else safe

    def visit_combination(self, combination: QCombination) -> object:
        """Return the filter of a combination: `{"$and": [...]}` and the like."""
        return {OPERATORS[combination.operation]: combination.children}

    def visit_query(self, query: Q) -> object:
        """Return the filter for the keywords of a leaf."""
        return self.compile_leaf(self.document, query.query, self.safe)


class QNode:
    """A node of a tree of conditions: a `Q`, or several combined."""

    AND = 0
    OR = 1
    NOR = 2

    def to_query(self, document: object, safe: bool | None = None) -> RawDocument:
        """Return the MongoDB filter for these conditions on a document class.

        :param safe: no value is taken for an operator; None for what the class and
            its alias say
        :raises InvalidQueryError: if a name means nothing there
        """
        if safe is None:
            safe = are_safe(document)
        return self.compiled_by(filters.local_query, document, safe)

    def compiled_by(
        self, compile_leaf: Compile, document: object, safe: bool
    ) -> RawDocument:
        """Return the filter for these conditions, whose leaves a function compiles.

        :param document: what the function is given to find the fields of names
        :param safe: no value is taken for an operator
        """
        simplified = self.accept(SimplificationVisitor())
        compiler = QueryCompilerVisitor(document, compile_leaf, safe)
        compiled: RawDocument = simplified.accept(compiler)
        return compiled

    def accept(self, visitor: QNodeVisitor) -> RawValue:
        """Return what `visitor` makes of this node and those below it."""
        raise NotImplementedError

    def _combine(self, other: QNode, operation: int) -> QNode:
        if not bool(other):
            return self
        return QCombination(operation, [self, other]) if bool(self) else other

    @property
    def empty(self) -> bool:
        """Return whether there is no condition.  Deprecated: use `not bool(q)`."""
        warn_empty_is_deprecated()
        return False

    def __or__(self, other: QNode) -> QNode:
        return self._combine(other, self.OR)

    def __and__(self, other: QNode) -> QNode:
        return self._combine(other, self.AND)

    def __invert__(self) -> QNode:
        """Negate the conditions; without any, everything still matches.

        https://www.mongodb.com/docs/manual/reference/operator/query/nor/
        """
        return QCombination(self.NOR, [self]) if bool(self) else self


class QCombination(QNode):
    """Conditions joined by `operation`: `QNode.AND`, `QNode.OR` or `QNode.NOR`.

    `NOR`: that none of them is met.  Of the others, children that are combinations of
    the same operation are taken apart.
    """

    def __init__(self, operation: int, children: Iterable[Any]) -> None:
        self.operation = operation
        self.children: list[Any] = []
        joins = operation != self.NOR
        for node in children:
            if joins and isinstance(node, QCombination) and node.operation == operation:
                self.children += node.children
            else:
                self.children.append(node)

    def __repr__(self) -> str:
        sign = " & " if self.operation == self.AND else " | "
        shown = sign.join(map(repr, self.children))
        if self.operation != self.NOR:
            return f"({shown})"
        return f"~{shown}" if len(self.children) == 1 else f"~({shown})"

    def __bool__(self) -> bool:
        return bool(self.children)

    def __invert__(self) -> QNode:
        """Return the negation; of a negation, what was negated."""
        if self.operation == self.OR and self.children:
            return QCombination(self.NOR, self.children)
        if self.operation != self.NOR:
            return super().__invert__()
        if len(self.children) == 1:
            only: QNode = self.children[0]
            return only
        return QCombination(self.OR, self.children)

    def accept(self, visitor: QNodeVisitor) -> RawValue:
        """Return what `visitor` makes of the children, then of their combination."""
        visited = QCombination.__new__(type(self))
        visited.operation = self.operation
        visited.children = [
            node.accept(visitor) if isinstance(node, QNode) else node
            for node in self.children
        ]
        return visitor.visit_combination(visited)

    @property
    def empty(self) -> bool:
        """Return whether there is no child.  Deprecated: use `not bool(q)`."""
        warn_empty_is_deprecated()
        return not self.children

    def __eq__(self, other: object) -> bool:
        return (
            type(self) is type(other)
            and isinstance(other, QCombination)
            and self.operation == other.operation
            and self.children == other.children
        )

    __hash__ = None  # type: ignore[assignment]


class Q(QNode):
    """Keyword conditions, to be combined: `Q(age__gt=18) | ~Q(name="Ada")`.

    Takes what `QuerySet.filter` takes as keywords: `Q(name="Ada", age__gt=18)`
    holds where all of them do.
    """

    def __init__(self, **query: object) -> None:
        self.query = query

    def __repr__(self) -> str:
        return f"Q(**{self.query!r})"

    def __bool__(self) -> bool:
        return bool(self.query)

    def __eq__(self, other: object) -> bool:
        return (
            type(self) is type(other)
            and isinstance(other, Q)
            and self.query == other.query
        )

    __hash__ = None  # type: ignore[assignment]

    def accept(self, visitor: QNodeVisitor) -> RawValue:
        """Return what `visitor` makes of this leaf."""
        return visitor.visit_query(self)

    def compiled_by(
        self, compile_leaf: Compile, document: object, safe: bool
    ) -> RawDocument:
        """Return what a function makes of the keywords; see `QNode.compiled_by`."""
        return compile_leaf(document, self.query, safe)

    @property
    def empty(self) -> bool:
        """Return whether there is no condition.  Deprecated: use `not bool(q)`."""
        warn_empty_is_deprecated()
        return not self.query


def divided(
    condition: QNode, names: frozenset[str]
) -> tuple[QNode | None, QNode | None]:
    """Return the part of a condition without certain names, and that with them.

    What is joined by `&` can be divided; anything else is one part.
    """
    if isinstance(condition, Q):
        conditions = condition.query.items()
        without = {k: v for k, v in conditions if not _mentions(k, v, names)}
        rest = {k: v for k, v in conditions if k not in without}
        return Q(**without) if without else None, Q(**rest) if rest else None
    if isinstance(condition, QCombination):
        parts = [divided(child, names) for child in condition.children]
        if condition.operation == QNode.AND:
            return _all_of(part[0] for part in parts), _all_of(
                part[1] for part in parts
            )
        if any(rest is not None for _, rest in parts):
            return None, condition
    return condition, None


def _mentions(keyword: str, value: object, names: frozenset[str]) -> bool:
    if any(keyword == name or keyword.startswith(name + "__") for name in names):
        return True
    return isinstance(value, Expression) and not names.isdisjoint(value.names())


def _all_of(parts: Iterable[QNode | None]) -> QNode | None:
    result: QNode | None = None
    for part in parts:
        if part is not None:
            result = part if result is None else result & part
    return result


#: The operators of MongoDB for the operations of a `QCombination`.
OPERATORS = {QNode.AND: "$and", QNode.OR: "$or", QNode.NOR: "$nor"}
