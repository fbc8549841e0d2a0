"""The programs of a shape, as source: read everything, construct everything.

They are what an application would have written: attributes are read by name and
keywords are written out.  A general loop over the fields costs about as much as what
is measured, and hides the differences between the sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from _shapes import PYTHON, F, Fields, Shape, walk_plain

INDENT = "    "


def walker(shape: Shape) -> Callable[[Any], None]:
    """Return a function that reads every field, key and item of a document."""
    lines = ["def walk(document):", *_reads(shape, _fields(shape), "document", 1)]
    names: dict[str, Any] = {"walk_plain": walk_plain}
    exec("\n".join(lines), names)
    walk: Callable[[Any], None] = names["walk"]
    return walk


def _fields(shape: Shape) -> dict[str, F]:
    return {**shape.base, **shape.fields}


def _reads(shape: Shape, fields: Fields, variable: str, depth: int) -> Iterator[str]:
    for name, each in fields.items():
        if _is_scalar(each):
            yield f"{INDENT * depth}{variable}.{name}"
        else:
            inside = f"value{depth}"
            yield f"{INDENT * depth}{inside} = {variable}.{name}"
            yield from _reads_value(shape, each, inside, depth)


def _reads_value(shape: Shape, each: F, variable: str, depth: int) -> Iterator[str]:
    if each.type == "embedded":
        fields = shape.embedded[str(each.embedded)]
        yield f"{INDENT * depth}if {variable} is not None:"
        yield from _reads(shape, fields, variable, depth + 1)
    elif each.type == "dict":
        yield f"{INDENT * depth}walk_plain({variable})"
    elif each.of is not None:
        item = f"item{depth}"
        items = f"{variable}.values()" if each.type == "map" else variable
        yield f"{INDENT * depth}for {item} in {items}:"
        yield f"{INDENT * (depth + 1)}pass"
        yield from _reads_value(shape, each.of, item, depth + 1)


def _is_scalar(each: F) -> bool:
    return each.type not in ("embedded", "dict") and each.of is None


def builder(
    shape: Shape, cls: Any, classes: Mapping[str, Any]
) -> Callable[[Mapping[str, Any]], Any]:
    """Return a function that constructs a document, embedded ones too, of a raw one."""
    names: dict[str, Any] = {"cls": cls, **classes}
    for name, convert in PYTHON.items():
        names[f"to_{name}"] = convert
    body = _call("cls", _fields(shape), shape.raw(0), shape, "raw")
    built: Callable[[Mapping[str, Any]], Any] = eval(f"lambda raw: {body}", names)
    return built


def _call(
    name: str, fields: Fields, sample: Mapping[str, Any], shape: Shape, variable: str
) -> str:
    values = [
        f"{key}={_value(fields.get(key), value, shape, f'{variable}[{key!r}]')}"
        for key, value in sample.items()
        if key not in ("_id", "_cls")
    ]
    return f"{name}({', '.join(values)})"


def _value(
    each: F | None, sample: Any, shape: Shape, source: str, depth: int = 0
) -> str:
    if each is None:
        return source
    if each.type == "embedded":
        name = str(each.embedded)
        return _call(name, shape.embedded[name], sample, shape, source)
    if each.of is not None and not _is_plain(each.of):
        item = f"item{depth}"
        is_map = each.type == "map"
        inner = next(iter(sample.values() if is_map else sample))
        value = _value(each.of, inner, shape, item, depth + 1)
        if is_map:
            return f"{{key: {value} for key, {item} in {source}.items()}}"
        return f"[{value} for {item} in {source}]"
    return f"to_{each.type}({source})" if each.type in PYTHON else source


def _is_plain(each: F) -> bool:
    if each.of is not None:
        return _is_plain(each.of)
    return each.type != "embedded" and each.type not in PYTHON
