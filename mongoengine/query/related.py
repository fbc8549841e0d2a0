"""Names of references such as `comments__author__city`, as a tree of fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from mongoengine.base.document import BaseDocument
from mongoengine.base.field_paths import innermost
from mongoengine.errors import InvalidQueryError, LookUpError

if TYPE_CHECKING:
    from mongoengine.base.field import BaseField
    from mongoengine.base.stored_document import StoredDocument


__all__ = (
    "Paths",
    "class_inside",
    "merged",
    "reference_names",
    "refers",
    "related_paths",
)

#: Names of fields, and of the fields of the documents that these refer to.
Paths: TypeAlias = "Mapping[str, Paths]"


def related_paths(document: Any, names: Iterable[str]) -> Paths:
    """Return names such as `comments__author__city` as a tree of fields.

    :param document: the document class that the names begin at.
    :raises InvalidQueryError: if a name is no reference of the class.
    """
    tree: dict[str, Any] = {}
    for path in names:
        node, cls, field = tree, document, None
        for name in str(path).split("__"):
            if cls is not None:
                field = _member_of(cls, name, path)
                name = field.name
                cls = class_inside(field)
            elif field is not None and not is_open(field):
                raise InvalidQueryError(f'Cannot resolve field "{name}" of "{path}"')
            node = node.setdefault(name, {})
        if field is None or not refers(field):
            raise InvalidQueryError(
                f'"{path}" of {document.__name__} is no reference: select_related() '
                "takes names of reference fields"
            )
    return tree


def merged(tree: Paths, other: Paths) -> Paths:
    """Return the names of both trees."""
    result = dict(tree)
    for name, inside in other.items():
        result[name] = merged(result.get(name, {}), inside)
    return result


def _member_of(cls: type[StoredDocument], name: str, path: str) -> Any:
    try:
        return cls._own_field(name)
    except LookUpError as error:
        raise InvalidQueryError(f'{error} of "{path}"') from None


def class_inside(field: BaseField) -> Any:
    """Return the class of the documents in a field, or that it refers to, or None."""
    inner = innermost(field)
    if inner._embedded_class is not None:
        return inner._embedded_class
    return getattr(inner, "document_type", None)


def is_open(field: BaseField) -> bool:
    """Return whether the field may refer to documents of any class."""
    return refers(field) and class_inside(field) is None


def refers(field: BaseField) -> bool:
    """Return whether the values of a field are references, or have any in them."""
    inner = innermost(field)
    if inner._embedded_class is not None:
        return False
    return bool(inner._holds_references() or hasattr(inner, "build_lazyref"))


def reference_names(
    cls: type[BaseDocument], levels: int, within: tuple[object, ...] = ()
) -> list[str]:
    """Return the names of the references of a class, and of the classes referred to.

    Those that may refer to any class are left out, and lazy ones.

    :param levels: how many references to follow
    :param within: the classes of embedded documents on the way here
    """
    names: list[str] = []
    for name, field in cls._fields.items():
        inner = innermost(field)
        embedded = inner._embedded_class
        below: list[str] = []
        if embedded is not None and embedded not in within:
            below = reference_names(embedded, levels, (*within, embedded))
        elif inner._is_followed and class_inside(field) is not None:
            names.append(name)
            if levels > 1:
                below = reference_names(class_inside(field), levels - 1)
        names += [f"{name}__{path}" for path in below]
    return names
