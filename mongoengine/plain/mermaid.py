"""Diagrams of document classes, in the language of Mermaid.

https://mermaid.js.org/syntax/classDiagram.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.document import BaseDocument
from mongoengine.base.field import BaseField
from mongoengine.base.field_paths import innermost

__all__ = ("class_diagram",)


def class_diagram(classes: Iterable[type[BaseDocument]]) -> str:
    """Return the diagram of classes, and of those that they embed and refer to."""
    shown = _reachable(classes)
    lines = ["classDiagram"]
    for cls in shown:
        lines.append(f"    class {cls.__name__} {{")
        if not cls._is_document:
            lines.append("        <<embedded>>")
        inherited = {name for base in _bases(cls, shown) for name in base._fields}
        for name in cls._fields_ordered:
            if name != "_cls" and name not in inherited:
                field = cls._fields[name]
                mark = "*" if field.required else ""
                lines.append(f"        {_type_name(field)} {name}{mark}")
        lines.append("    }")
    for cls in shown:
        bases = _bases(cls, shown)
        lines += [f"    {base.__name__} <|-- {cls.__name__}" for base in bases]
        inherited = {name for base in bases for name in base._fields}
        for name in cls._fields_ordered:
            if name not in inherited:
                lines += _relations(cls, name)
    return "\n".join(lines) + "\n"


def _reachable(classes: Iterable[type[BaseDocument]]) -> list[type[BaseDocument]]:
    """Return classes, their bases, and the classes that they embed and refer to."""
    reached: dict[type[BaseDocument], None] = {}
    waiting = list(classes)
    while waiting:
        cls = waiting.pop(0)
        if cls not in reached:
            reached[cls] = None
            waiting += [_DocumentRegistry.get(n) for n in cls._superclasses]
            for name in cls._fields_ordered:
                waiting += [target for target, _ in _inside(cls._fields[name])]
    return sorted(reached, key=lambda cls: (not cls._is_document, cls.__name__))


def _bases(
    cls: type[BaseDocument], shown: Iterable[object]
) -> list[type[BaseDocument]]:
    """Return the nearest base among the classes of a diagram."""
    names = cls._superclasses[-1:]
    return [base for base in map(_DocumentRegistry.get, names) if base in shown]


def _inside(field: BaseField) -> Iterator[tuple[Any, str]]:
    """Yield the classes that a field embeds or refers to, each with its arrow."""
    inner = innermost(field)
    if inner._embedded_class is not None:
        yield inner._embedded_class, "*--"
    elif inner._is_reference and hasattr(inner, "document_type"):
        yield inner.document_type, "-->"


def _relations(cls: type[BaseDocument], name: str) -> list[str]:
    field = cls._fields[name]
    many = '"*" ' if field._inner is not None else ""
    return [
        f"    {cls.__name__} {arrow} {many}{target.__name__} : {name}"
        for target, arrow in _inside(field)
    ]


def _type_name(field: BaseField) -> str:
    """Return the type of a field: `String`, `List~Int~`."""
    name = type(field).__name__.removesuffix("Field").removesuffix("Document")
    for target, _ in _inside(field) if field._inner is None else ():
        return str(target.__name__)
    return name if field._inner is None else f"{name}~{_type_name(field._inner)}~"
