"""Proposals for misspelt names: errors end with "did you mean ...?".

A `MongoEngineWarning` is given for names that upstream accepts silently: options of
`meta` and of fields that are spelt almost like existing ones, and attributes of
documents that no field stores.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from mongoengine.base.bson_types import PLAIN
from mongoengine.base.common import UPDATE_OPERATORS, _DocumentRegistry
from mongoengine.base.state import DocumentState
from mongoengine.base.utils import warn_caller
from mongoengine.errors import MongoEngineWarning

__all__ = (
    "did_you_mean",
    "expect_attributes",
    "meant_field",
    "meant_keyword",
    "nearest",
    "warn_of_all_attributes",
    "warn_of_meta",
    "warn_of_options",
)

#: How similar a name has to be to be proposed in an error, and to cause a warning.
_SIMILAR, _ALMOST_EQUAL = 0.6, 0.84

#: The options of `meta`.
META_OPTIONS = frozenset(
    (
        *("abstract", "allow_inheritance", "auto_create_index"),
        *("auto_create_index_on_save", "cascade", "collection", "db_alias"),
        *("delete_rules", "id_field", "index_background", "index_cls"),
        *("index_drop_dups", "index_opts", "index_specs", "indexes", "max_documents"),
        *("max_size", "ordering", "queryset_class", "safe_values", "shard_key"),
        *("strict", "timeseries", "version_field"),
    )
)

#: The attribute with the names of which a document has warned, or need not warn.
_NAMED = "_named_attributes"


def nearest(
    name: object, candidates: Iterable[str], similarity: float = _SIMILAR
) -> str | None:
    """Return the candidate that is most like a name, or None if none is.

    :param name: the name that was written; nothing is like a value that is no text
    :param similarity: the least ratio of `difflib.SequenceMatcher`
    """
    if not isinstance(name, str):
        return None
    found = get_close_matches(name, [*candidates], 1, similarity)
    return found[0] if found else None


def did_you_mean(proposals: Mapping[str, str | None]) -> str:
    """Return the question for the end of an error's text; empty without proposals.

    :param proposals: the name that may have been meant, by the name that was written
    """
    meant = {name: other for name, other in proposals.items() if other is not None}
    if not meant:
        return ""
    if len(proposals) == 1:
        return f"; did you mean {next(iter(meant.values()))!r}?"
    each = (f"{other!r} for {name!r}" for name, other in sorted(meant.items()))
    return f"; did you mean {', '.join(each)}?"


def field_names(cls: type[DocumentState]) -> list[str]:
    """Return the names of the fields of a class and of its subclasses."""
    names = dict.fromkeys(cls._fields_ordered)
    for class_name in cls._subclasses[1:]:
        names.update(dict.fromkeys(_DocumentRegistry.get(class_name)._fields))
    if cls._is_document:
        names["pk"] = None
    names.pop("_cls", None)
    return [*names]


def meant_field(cls: Any, name: str) -> str | None:
    """Return the field that was meant: one stored as `name`, or of a similar name."""
    names = field_names(cls)
    stored = cls._reverse_db_field_map.get(name)
    return str(stored) if stored in names else nearest(name, names)


def meant_keyword(
    cls: type[DocumentState], name: str, operators: Iterable[str]
) -> str | None:
    """Return the keyword that was meant by `age_gt` or `inc_age`: `age__gt`, say.

    :param operators: the operators that may follow the name of a field
    """
    names = field_names(cls)
    for operator in operators:
        if name.endswith(f"_{operator}") and name[: -len(operator) - 1] in names:
            return f"{name[: -len(operator) - 1]}__{operator}"
    for operator in UPDATE_OPERATORS:
        if name.startswith(f"{operator}_") and name[len(operator) + 1 :] in names:
            return f"{operator}__{name[len(operator) + 1 :]}"
    return None


# Warnings


def warn_of_meta(class_name: str, meta: Mapping[str, object]) -> None:
    """Warn of keys of a class's own `meta` that are almost those of options."""
    for key in meta:
        if isinstance(key, str) and key not in META_OPTIONS:
            meant = nearest(key, META_OPTIONS, _ALMOST_EQUAL)
            if meant is not None and not key.startswith("_"):
                warn_caller(
                    f"{class_name}: meta has no option {key!r}; "
                    f"did you mean {meant!r}?",
                    MongoEngineWarning,
                )


def warn_of_options(field_class: type, extras: Iterable[str]) -> None:
    """Warn of keywords of a field, kept as attributes, that are almost options."""
    options = {
        name
        for cls in field_class.__mro__[:-1]
        if "__init__" in vars(cls)
        for name in inspect.signature(vars(cls)["__init__"]).parameters
    } - {"self", "args", "kwargs"}
    for name in extras:
        meant = nearest(name, options, _ALMOST_EQUAL)
        if meant is not None:
            warn_caller(
                f"{field_class.__name__} has no option {name!r}; "
                f"did you mean {meant!r}?",
                MongoEngineWarning,
            )


def warn_of_attributes(document: DocumentState) -> None:
    """Warn of attributes of a document that nothing stores: no field has their names.

    Names with an underscore, of attributes of the class, and of its annotations are
    left alone; so are dynamic documents.  A document warns once of each name.
    """
    attributes = getattr(document, "__dict__", None)
    if not attributes or document._dynamic:
        return
    cls = type(document)
    named = attributes.get(_NAMED, ())
    unknown = [
        name
        for name in attributes
        if not name.startswith("_")
        and name not in named
        and not _is_declared(cls, name)
    ]
    if not unknown:
        return
    attributes[_NAMED] = (*named, *unknown)
    for name in unknown:
        hint = did_you_mean({name: nearest(name, field_names(cls))})
        warn_caller(
            f"{cls.__name__} has no field {name!r}: the attribute is not stored{hint}",
            MongoEngineWarning,
        )


def expect_attributes(document: DocumentState, names: Iterable[str]) -> None:
    """Keep a document from warning of these attributes, which no field stores."""
    expected: tuple[str, ...] = document.__dict__.get(_NAMED, ())
    object.__setattr__(document, _NAMED, (*expected, *names))


def warn_of_all_attributes(document: DocumentState) -> None:
    """Warn of attributes of a document and of the embedded documents in it.

    Embedded documents that have not been read yet have no attributes.
    """
    if getattr(document, "__dict__", None):
        warn_of_attributes(document)
    names, values = type(document)._schema.nesting_names, document._values
    if not names.isdisjoint(values):
        _warn_inside(map(values.get, names))


def _warn_inside(values: Iterable[object]) -> None:
    for value in values:
        if type(value) in PLAIN:
            continue
        if isinstance(value, dict):
            _warn_inside([*dict.values(value)])
        elif isinstance(value, list):
            _warn_inside(list.__iter__(value))
        elif (
            isinstance(value, DocumentState)
            and not value._is_document
            # Without a call where nothing can be found, as usual.
            and (getattr(value, "__dict__", None) or type(value)._schema.nesting_names)
        ):
            warn_of_all_attributes(value)


def _is_declared(cls: type, name: str) -> bool:
    """Return whether a class has an attribute, or announces one by an annotation."""
    return any(
        name in base.__dict__ or name in inspect.get_annotations(base)
        for base in cls.__mro__
    )
