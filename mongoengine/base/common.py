"""The document registry, and the names that updates may begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mongoengine.base.types import RawMapping
from mongoengine.base.utils import warn_caller
from mongoengine.errors import NotRegistered

if TYPE_CHECKING:
    from mongoengine.base.state import DocumentState


__all__ = ("UPDATE_OPERATORS", "_DocumentRegistry")

# What is done with documents that refer to a deleted one.
DO_NOTHING = 0
NULLIFY = 1
CASCADE = 2
DENY = 3
PULL = 4

#: The update operators that a keyword may begin with: `inc__views=1`.
UPDATE_OPERATORS = {
    "add_to_set",
    "dec",
    "inc",
    "max",
    "min",
    "mul",
    "pop",
    "pull",
    "pull_all",
    "push",
    "push_all",
    "rename",
    "set",
    "set_on_insert",
    "unset",
}

#: Document classes by their full names.
_classes: dict[str, Any] = {}

_NOT_REGISTERED = """\
`{}` has not been registered in the document registry.
            Importing the document class automatically registers it, has it
            been imported?"""


class _DocumentRegistry:
    """Every document class by its full name, which begins with its bases':
    `Animal`, `Animal.Dog`.
    """

    @staticmethod
    def get(name: str) -> Any:
        """Return the class registered as `name`, or the only one whose last name it is.

        `Dog` finds `Animal.Dog` where no other class is called `Dog`.

        :raises NotRegistered: if there is none
        """
        try:
            cls = _classes.get(name)
        except TypeError:  # bad data may have anything there
            cls = None
        if cls is None:
            last = str(name).rpartition(".")[2]
            named = [cls for key, cls in _classes.items() if _is_named(key, last)]
            if len(named) != 1:
                raise NotRegistered(_NOT_REGISTERED.format(name))
            cls = named[0]
        return cls

    @staticmethod
    def register(DocCls: type[DocumentState]) -> None:
        """Enter a class under its `_class_name`.

        Warns where a class of the same name from another module is replaced.
        """
        name = DocCls._class_name
        existing = _classes.get(name)
        if existing is not None and existing.__module__ != DocCls.__module__:
            warn_caller(
                f"Multiple Document classes named `{name}` were registered, "
                f"first from: `{existing.__module__}`, then from: "
                f"`{DocCls.__module__}`. this may lead to unexpected behavior "
                "during dereferencing."
            )
        _classes[name] = DocCls

    @staticmethod
    def unregister(doc_cls_name: str) -> None:
        """Forget the class registered as `doc_cls_name`.

        :raises KeyError: if there is none
        """
        _classes.pop(doc_cls_name)


def class_named_in(stored: RawMapping) -> Any:
    """Return the document class that the `_cls` of a dict names, or None.

    In a dict of a `DictField`, `_cls` may be anything that a user has put there.
    """
    name = stored.get("_cls")
    if not isinstance(name, str):
        return None
    try:
        return _DocumentRegistry.get(name)
    except NotRegistered:
        return None


def _is_named(full_name: str, last: str) -> bool:
    return full_name == last or full_name.endswith("." + last)


def get_document(name: str) -> Any:
    """Return the document class called `name`.

    Deprecated: the name of the release; use `_DocumentRegistry.get`.
    """
    warn_caller(
        "get_document is deprecated, use _DocumentRegistry.get", DeprecationWarning
    )
    return _DocumentRegistry.get(name)


def _get_documents_by_db(
    connection_alias: str, default_connection_alias: str
) -> list[Any]:
    """Return the registered classes whose documents live on `connection_alias`."""
    return [
        cls
        for cls in _classes.values()
        if cls._meta.get("db_alias", default_connection_alias) == connection_alias
    ]


def __getattr__(name: str) -> Any:
    if name == "_document_registry":
        warn_caller(
            "_document_registry is deprecated, use _DocumentRegistry",
            DeprecationWarning,
        )
        return _classes
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
