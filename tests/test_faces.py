"""Every operation exists twice, and its two faces differ in nothing but their names.

The list of operations is taken from the code: whatever `execution.blocking` or
`execution.asynchronous` made, wherever it is an attribute of a class or a module.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

import mongoengine
from mongoengine.driver.deferred import load_members

# Classes that exist only for async code, and where their blocking twins are.
TWIN_CLASSES = {
    "AsyncGridFSProxy": "GridFSProxy",
    "AsyncImageGridFSProxy": "ImageGridFsProxy",
}
# All of whose methods are awaited: `fetch` is `async_fetch`.
ASYNC_CLASSES = {"AsyncReferenceProxy"}
# Called back by blinker, which can only call a plain function.
CALLBACKS = {"CachedReferenceField.on_document_pre_save"}
# Gives what can be awaited or iterated at once, and so is no coroutine function.
PENDING = {"async_aggregate", "async_map_reduce", "async_watch"}


def modules() -> Iterator[Any]:
    yield mongoengine
    for found in pkgutil.walk_packages(mongoengine.__path__, "mongoengine."):
        yield importlib.import_module(found.name)


def classes() -> list[type]:
    """Every public class that the package defines."""
    found = {
        value
        for module in modules()
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__.startswith("mongoengine")
    }
    for cls in found:
        load_members(cls)
    return sorted(found, key=lambda cls: (cls.__module__, cls.__qualname__))


def plain(attribute: Any) -> Any:
    """The function behind a class attribute."""
    if isinstance(attribute, (classmethod, staticmethod)):
        return attribute.__func__
    return attribute.fget if isinstance(attribute, property) else attribute


def is_async(name: str) -> bool:
    return name.startswith(("async_", "_async_"))


def blocking_name(name: str) -> str:
    return name.replace("async_", "", 1)


def other_name(name: str) -> str:
    """`async_x` of `x` and `_async_x` of `_x`, and the reverse."""
    if is_async(name):
        return blocking_name(name)
    return f"_async{name}" if name.startswith("_") else f"async_{name}"


def owners() -> list[Any]:
    return [*classes(), *modules()]


def name_of(owner: Any) -> str:
    return f"{getattr(owner, '__module__', '')}.{owner.__name__}".lstrip(".")


def faces() -> list[tuple[Any, str, Any]]:
    """Owner, name and function of every face."""
    return [
        (owner, name, plain(value))
        for owner in owners()
        for name, value in sorted(vars(owner).items())
        if hasattr(plain(value), "_operation")
        and f"{owner.__name__}.{name}" not in CALLBACKS
        and not (inspect.ismodule(owner) and name.startswith("_"))
    ]


def async_names() -> list[tuple[Any, str]]:
    """Owner and name of whatever calls itself async, however it was made."""
    return [
        (owner, name)
        for owner in owners()
        for name, value in sorted(vars(owner).items())
        if is_async(name) and callable(plain(value))
    ]


def identify(value: Any) -> str:
    return value if isinstance(value, str) else getattr(value, "__name__", "")


def twin_of(owner: Any, name: str) -> Any:
    """The other face, where the class, its blocking twin or the module has it."""
    home = owner
    if owner.__name__ in TWIN_CLASSES:
        module = importlib.import_module(owner.__module__)
        home = getattr(module, TWIN_CLASSES[owner.__name__])
    return plain(inspect.getattr_static(home, other_name(name), None))


def parameters(function: Any) -> list[tuple[str, Any, Any]]:
    found = inspect.signature(function).parameters.values()
    return [(p.name, p.kind, p.default) for p in found]


def test_there_are_operations_to_look_at() -> None:
    names = {name for _, name, _ in faces()}
    assert names >= {
        "save", "async_save", "delete", "async_delete", "reload", "async_reload",
        "first", "async_first", "get", "async_get", "count", "async_count",
        "insert", "async_insert", "update", "async_update", "modify", "async_modify",
    }  # fmt: skip


#: Their blocking twins wait for nothing and are plain methods of `base`.
WITH_PLAIN_TWINS = {"async_validate"}


@pytest.mark.parametrize(("owner", "name", "face"), faces(), ids=identify)
def test_an_operation_has_both_faces(owner: Any, name: str, face: Any) -> None:
    if name in WITH_PLAIN_TWINS:
        assert parameters(twin_of(owner, name)) == parameters(face)
        return
    twin = twin_of(owner, name)
    assert twin is not None, f"{name_of(owner)}.{name} has no {other_name(name)}"
    assert getattr(twin, "_operation", None) is face._operation, (
        f"{name_of(owner)}.{other_name(name)} is not made from the body of {name}"
    )
    assert parameters(twin) == parameters(face)
    assert twin.__doc__ == face.__doc__


@pytest.mark.parametrize(("owner", "name", "face"), faces(), ids=identify)
def test_a_face_says_by_its_name_whether_it_is_awaited(
    owner: Any, name: str, face: Any
) -> None:
    awaited = inspect.iscoroutinefunction(face) or name in PENDING
    assert awaited == (is_async(name) or owner.__name__ in ASYNC_CLASSES)


@pytest.mark.parametrize(("owner", "name", "face"), faces(), ids=identify)
def test_a_public_face_is_documented(owner: Any, name: str, face: Any) -> None:
    if not name.startswith("_"):
        assert face.__doc__ and face.__doc__.strip(), f"{name_of(owner)}.{name}"


@pytest.mark.parametrize(("owner", "name"), async_names(), ids=identify)
def test_an_async_name_has_a_blocking_twin_with_its_parameters(
    owner: Any, name: str
) -> None:
    twin = twin_of(owner, name)
    assert twin is not None, f"{name_of(owner)}.{name} has no blocking twin"
    own = plain(inspect.getattr_static(owner, name))
    assert parameters(own) == parameters(twin)


@pytest.mark.parametrize(("owner", "name"), async_names(), ids=identify)
def test_an_async_name_is_documented(owner: Any, name: str) -> None:
    own = plain(inspect.getattr_static(owner, name))
    if not name.startswith("_"):
        assert own.__doc__ and own.__doc__.strip(), f"{name_of(owner)}.{name}"


@pytest.mark.parametrize(
    ("blocking", "asynchronous"),
    [
        ("connect", "connect_async"),
        ("disconnect", "disconnect_async"),
        ("disconnect_all", "disconnect_all_async"),
        ("get_connection", "get_async_connection"),
        ("get_db", "get_async_db"),
    ],
)
def test_a_connection_function_has_a_twin_with_its_parameters(
    blocking: str, asynchronous: str
) -> None:
    one, other = getattr(mongoengine, blocking), getattr(mongoengine, asynchronous)
    # `reconnect` closes a client, which has to be awaited: disconnect_async().
    wanted = [p for p in parameters(one) if p[0] != "reconnect"]
    assert parameters(other) == wanted
    assert one.__doc__ and other.__doc__
