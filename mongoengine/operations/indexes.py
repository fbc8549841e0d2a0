"""Creating the indexes of a document class, and telling them apart.

The specifications come from `meta["indexes"]` and the fields; `base/indexes.py`
builds them.  See https://www.mongodb.com/docs/manual/indexes/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from mongoengine.base.context import alias_of
from mongoengine.base.types import RawMapping, RawValue
from mongoengine.operations.collections import open_collection

if TYPE_CHECKING:
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session
    from mongoengine.operations.collections import DocumentClass

Keys: TypeAlias = list[tuple[str, Any]]

BY_CLASS: Keys = [("_cls", 1)]
BY_ID: Keys = [("_id", 1)]


async def create_index(
    cls: DocumentClass,
    io: IO,
    /,
    keys: object,
    background: bool = False,
    *,
    session: Session = None,
    **kwargs: object,
) -> str:
    """Create one index (command `createIndexes`).

    :param keys: field name, names or pairs, or a dict, as in `meta["indexes"]`.
    :param background: passed to the server, which has ignored it since 4.2.
    :param kwargs: options of the index.
    :param session: a PyMongo session to work in
    :returns: the name of the index.
    """
    spec = dict(cls._build_index_spec(keys) or {})
    fields = spec.pop("fields")
    spec["background"] = background
    spec.update(kwargs)
    collection = await open_collection(cls, io)
    name: str = await io(collection.create_index, fields, **spec)
    return name


async def ensure_indexes(
    cls: DocumentClass, io: IO, /, *, session: Session = None
) -> None:
    """Create the indexes of `meta["indexes"]` and of the fields.

    Called when the class is first used, unless `meta["auto_create_index"]` is
    False.  Sends one `createIndexes` for each.
    """
    meta = cls._meta
    background = meta.get("index_background", False)
    common = dict(meta.get("index_opts") or {})
    common.pop("cls", None)
    collection = await open_collection(cls, io)
    classed = False
    for declared in meta["index_specs"]:
        spec = {**common, **declared}
        fields = spec.pop("fields")
        spec.pop("cls", None)
        classed = classed or _begins_with_class(fields)
        options = {"background": background, **spec}
        await io(collection.create_index, fields, **options)
    if meta.get("index_cls", True) and meta.get("allow_inheritance") and not classed:
        options = {"background": background, **common}
        await io(collection.create_index, "_cls", **options)


async def list_indexes(
    cls: DocumentClass, io: IO, /, *, session: Session = None
) -> list[Keys]:
    """Return the keys of every index that the collection should have.

    Those of bases, siblings and subclasses in the same collection included;
    nothing is asked of the server.
    """
    if cls._meta.get("abstract"):
        return []
    found: list[Keys] = []
    for relative in _sharing_collection(cls):
        for spec in relative._meta["index_specs"]:
            if spec["fields"] not in found:
                found.append(spec["fields"])
    if BY_ID not in found:
        found.append(list(BY_ID))
    if cls._meta.get("index_cls", True) and cls._meta.get("allow_inheritance"):
        found.append(list(BY_CLASS))
    return found


async def compare_indexes(
    cls: DocumentClass, io: IO, /, *, session: Session = None
) -> dict[str, list[Keys]]:
    """Compare the indexes that are declared with those that exist.

    :param session: a PyMongo session to work in
    :returns: `{"missing": [...], "extra": [...]}`, lists of index keys.
    """
    declared: list[Keys] = await io.call(cls, "list_indexes")
    collection = await open_collection(cls, io)
    information = await io(collection.index_information)
    missing, extra = difference(declared, information)
    return {"missing": missing, "extra": extra}


def difference(
    declared: list[Keys], information: RawMapping
) -> tuple[list[Keys], list[Keys]]:
    """Compare index keys with the server's indexes; return (missing, extra).

    :param declared: the keys that classes declare
    :param information: the answer of PyMongo's `index_information()`
    """
    existing = [keys_of(index) for index in information.values()]
    declared_forms = [_comparable(keys) for keys in declared]
    existing_forms = [_comparable(keys) for keys in existing]
    missing = [
        keys
        for keys, form in zip(declared, declared_forms, strict=True)
        if form not in existing_forms
    ]
    extra = [
        keys
        for keys, form in zip(existing, existing_forms, strict=True)
        if form not in declared_forms
    ]
    # Another index that begins with the class does the work of that on it alone.
    if BY_CLASS in missing and any(
        _begins_with_class(keys) and keys not in extra for keys in existing
    ):
        missing.remove(BY_CLASS)
    return missing, extra


def _begins_with_class(keys: Any) -> bool:
    """Return whether documents can be found by `_cls` with an index on `keys`."""
    if not keys:
        return False
    first = keys[0]
    return (first if isinstance(first, str) else first[0]) == "_cls"


def keys_of(index: RawMapping) -> Keys:
    """Return the keys of an index as they were declared.

    Servers keep the fields of a text index apart, as its weights.
    """
    return list(_expanded(index["key"], index.get("weights", {})))


def _expanded(
    key: Iterable[tuple[str, RawValue]], weights: Iterable[str]
) -> Iterator[Any]:
    for name, direction in key:
        if name == "_fts":
            yield from ((field, direction) for field in weights)
        elif name != "_ftsx":
            yield (name, direction)


def _comparable(keys: Keys) -> tuple[object, ...]:
    """Return a form that equal indexes share: text fields have no order."""
    texts = frozenset(name for name, direction in keys if direction == "text")
    others = [key for key in keys if key[1] != "text"]
    return texts, others


def _sharing_collection(cls: DocumentClass) -> list[DocumentClass]:
    """Return `cls` and its relatives whose documents are in the same collection."""
    classes = [cls]
    for member in classes:
        place = _place_of(member)
        for relative in (*member.__bases__, *member.__subclasses__()):
            if (
                relative not in classes
                and _has_collection(relative)
                and _place_of(relative) == place
            ):
                classes.append(relative)
    return classes


def _has_collection(cls: type) -> bool:
    meta = getattr(cls, "_meta", None)
    return bool(meta and not meta.get("abstract") and meta.get("collection"))


def _place_of(cls: DocumentClass) -> tuple[str, str | None]:
    return alias_of(cls), cls._get_collection_name()
