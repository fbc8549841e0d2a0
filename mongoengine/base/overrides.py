"""Find the methods of fields and documents that user code overrides."""

from __future__ import annotations

__all__ = ("library_methods", "plain_methods", "still_true")

_TRUSTED = frozenset({__name__.partition(".")[0], "builtins"})


def library_methods(cls: type, *methods: str) -> bool:
    """Return whether methods are those of this package, not of a user's class."""
    return all(_is_library_method(cls, method) for method in methods)


def _is_library_method(cls: type, method: str) -> bool:
    for base in cls.__mro__:
        if method in base.__dict__:
            return base.__module__.partition(".")[0] in _TRUSTED
    return True


def plain_methods(field_type: type) -> bool:
    """Return whether no user code converts the values of a class of fields."""
    return library_methods(field_type, "to_python", "to_mongo")


def still_true(field_type: type, hint: str, *methods: str) -> bool:
    """Return whether a hint holds: no subclass of its class redefines the methods."""
    level = _level(field_type, hint)
    return all(level <= _level(field_type, method) for method in methods)


def _level(cls: type, attribute: str) -> int:
    """Return how far up the bases of a class an attribute is defined."""
    for level, base in enumerate(cls.__mro__):
        if attribute in base.__dict__:
            return level
    return len(cls.__mro__)
