"""Aliases and their settings, as upstream has them."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import mongomock
import pytest
from pymongo import ReadPreference
from pymongo.errors import InvalidName, InvalidOperation

from mongoengine import connection
from mongoengine.connection import (
    ConnectionFailure,
    connect,
    connect_async,
    disconnect,
    disconnect_all,
    get_connection,
    get_db,
    register_connection,
)
from mongoengine.driver.io import SYNC, WrongFamilyError

STANDARD = {"uuidRepresentation": "standard"}
RECORD = {
    "name": "test",
    "host": ["localhost"],
    "port": 27017,
    "read_preference": ReadPreference.PRIMARY,
    "username": None,
    "password": None,
    "authentication_source": None,
    "authentication_mechanism": None,
    "authmechanismproperties": None,
    "uuidRepresentation": "standard",
}


def record_of(*args: Any, **kwargs: Any) -> dict[str, Any]:
    register_connection("noted", *args, **{**STANDARD, **kwargs})
    return connection._connection_settings["noted"]


class Capture:
    """Stands for a client class: keeps what it is made of."""

    def __init__(self, **options: Any) -> None:
        self.options = options

    def __getitem__(self, name: str) -> str:
        return f"database {name}"

    def close(self) -> None:
        """Nothing is open."""


def options_of(**kwargs: Any) -> dict[str, Any]:
    client: Any = connect(alias="c", mongo_client_class=Capture, **STANDARD, **kwargs)
    options: dict[str, Any] = client.options
    return options


# -- the record ---------------------------------------------------------------


def test_a_record_of_nothing_is_all_defaults() -> None:
    assert record_of() == RECORD


@pytest.mark.parametrize(
    ("args", "kwargs", "name"),
    [
        (("blog",), {}, "blog"),
        ((), {"name": "blog"}, "blog"),
        (("one",), {"name": "blog"}, "blog"),
        (("",), {}, "test"),
        (("one",), {"host": "mongodb://localhost/blog"}, "blog"),
        (("one",), {"host": "mongodb://localhost"}, "one"),
        (("one",), {"host": ["mongodb://a/x", "mongodb://b/blog"]}, "blog"),
    ],
)
def test_the_database_name(args: Any, kwargs: Any, name: str) -> None:
    assert record_of(*args, **kwargs)["name"] == name


@pytest.mark.parametrize(
    ("host", "hosts"),
    [
        ("h", ["h"]),
        ("h:1,i:2", ["h:1,i:2"]),
        (["h:1", "i"], ["h:1", "i"]),
        (("h", "i"), ["h", "i"]),
        ("mongodb://h/x", ["mongodb://h/x"]),
    ],
)
def test_the_hosts(host: Any, hosts: list[str]) -> None:
    assert record_of(host=host)["host"] == hosts


@pytest.mark.parametrize(
    ("query", "changes"),
    [
        ("u:p@h/x", {"username": "u", "password": "p"}),
        ("h/x?authSource=admin", {"authentication_source": "admin"}),
        ("h/x?authMechanism=GSSAPI", {"authentication_mechanism": "GSSAPI"}),
        (
            "h/x?authMechanismProperties=SERVICE_NAME:s",
            {"authmechanismproperties": {"SERVICE_NAME": "s"}},
        ),
        ("h/x?replicaSet=rs", {"replicaSet": "rs"}),
        (
            "h/x?readPreference=secondary",
            {"read_preference": ReadPreference.SECONDARY},
        ),
        ("h/x?tls=true&w=2", {}),
    ],
)
def test_a_uri_decides_over_the_arguments(query: str, changes: dict[str, Any]) -> None:
    uri = f"mongodb://{query}"
    expected = {**RECORD, "name": "x", "host": [uri], **changes}
    assert record_of(host=uri) == expected


def test_the_user_of_a_uri_goes_before_the_arguments() -> None:
    record = record_of(host="mongodb://u:p@h/x", username="a", password="b")
    assert (record["username"], record["password"]) == ("u", "p")


def test_other_options_go_before_those_of_the_uri() -> None:
    record = record_of(host="mongodb://h/x?replicaSet=a", replicaSet="b")
    assert record["replicaSet"] == "b"


def test_tags_of_a_read_preference_in_a_uri() -> None:
    uri = "mongodb://h/x?readPreference=nearest&readPreferenceTags=dc:ny"
    preference = record_of(host=uri)["read_preference"]
    assert preference.name == "Nearest"
    assert preference.tag_sets == [{"dc": "ny"}]


def test_the_staleness_of_a_uri_is_kept() -> None:
    uri = "mongodb://h/x?readPreference=secondary&maxStalenessSeconds=100"
    assert record_of(host=uri)["read_preference"].max_staleness == 100


def test_unused_arguments_of_old_are_dropped() -> None:
    assert record_of(slaves=["x"], is_slave=True) == RECORD


def test_without_uuid_representation_there_is_a_warning_and_the_legacy_one() -> None:
    with pytest.warns(DeprecationWarning, match="No uuidRepresentation is specified!"):
        register_connection("noted")
    record = connection._connection_settings["noted"]
    assert record["uuidRepresentation"] == "pythonLegacy"


def test_the_warning_is_attributed_to_the_library() -> None:
    """So that filters by module cover it: `ignore::DeprecationWarning:mongoengine`."""
    with pytest.warns(DeprecationWarning) as caught:
        register_connection("noted")
    assert caught[0].filename == connection.__file__


@pytest.mark.parametrize(
    "kwargs",
    [
        {"uuidRepresentation": "unspecified"},
        {"uuidrepresentation": "javaLegacy"},
        {"host": "mongodb://h/x?uuidRepresentation=csharpLegacy"},
    ],
)
def test_with_a_uuid_representation_there_is_no_warning(kwargs: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        register_connection("noted", **kwargs)
    record = connection._connection_settings["noted"]
    assert [v for k, v in record.items() if k.lower() == "uuidrepresentation"]


@pytest.mark.parametrize("name", ["a.b", "a b", "$a", "a/b", "a\\b", 'a"b', "a\0b"])
def test_a_database_name_with_a_bad_character(name: str) -> None:
    with pytest.raises(InvalidName, match="database names cannot contain the char"):
        connect(name, **STANDARD)
    assert connection._connection_settings == {}


def test_a_database_name_that_is_no_text() -> None:
    with pytest.raises(TypeError, match="name must be an instance of <class 'str'>"):
        connect(1, **STANDARD)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "kwargs", [{"host": "mongomock://localhost"}, {"is_mock": True}]
)
def test_the_old_spellings_of_mongomock_are_refused(kwargs: Any) -> None:
    with pytest.raises(Exception, match="Use of mongomock:// URI or 'is_mock' were"):
        connect("blog", **STANDARD, **kwargs)


# -- what the client class is given -------------------------------------------


def test_a_client_is_given_what_was_said_and_our_name() -> None:
    options = options_of(db="blog", port=5, tz_aware=True)
    driver = options.pop("driver")
    assert options == {
        "host": ["localhost"],
        "port": 5,
        "read_preference": ReadPreference.PRIMARY,
        "uuidRepresentation": "standard",
        "tz_aware": True,
    }
    assert driver.name == "MongoEngine"


def test_authentication_is_given_in_words_of_the_client() -> None:
    options = options_of(
        username="u",
        password="p",
        authentication_source="admin",
        authentication_mechanism="SCRAM-SHA-1",
        authmechanismproperties={"a": 1},
    )
    assert options["username"] == "u"
    assert options["password"] == "p"
    assert options["authSource"] == "admin"
    assert options["authMechanism"] == "SCRAM-SHA-1"
    assert options["authmechanismproperties"] == {"a": 1}


def test_a_driver_of_the_users_own_is_kept() -> None:
    assert options_of(driver="mine")["driver"] == "mine"


@pytest.mark.parametrize(
    ("kwargs", "text"),
    [
        ({"nonsense": 1}, "Unknown option: nonsense"),
        ({"username": "u"}, "A password is required"),
        ({"port": "x"}, "port must be an instance of int"),
        ({"host": "localhost/x"}, "Invalid URI scheme"),
    ],
)
def test_what_a_client_cannot_be_made_of(kwargs: Any, text: str) -> None:
    with pytest.raises(ConnectionFailure) as caught:
        connect("blog", alias="main", **STANDARD, **kwargs)
    assert str(caught.value).startswith(f"Cannot connect to database main :\n{text}")


# -- opening ------------------------------------------------------------------


def test_connect_returns_the_client_and_reaches_the_server(settings: Any) -> None:
    client = connect(**settings)
    assert client.admin.command("ping")["ok"]
    assert get_connection() is client
    assert get_db().name == settings["name"]


def test_the_same_settings_twice_give_the_same_client(settings: Any) -> None:
    assert connect(**settings) is connect(**settings)


def test_other_settings_on_an_open_alias_are_refused(settings: Any) -> None:
    connect(**settings)
    with pytest.raises(ConnectionFailure) as caught:
        connect(**{**settings, "name": "other"})
    assert str(caught.value) == (
        "A different connection with alias `default` was already registered. "
        "Use disconnect() first"
    )


def test_aliases_that_differ_in_the_database_only_share_a_client(settings: Any) -> None:
    one = connect(**settings)
    two = connect(alias="two", **{**settings, "name": settings["name"] + "_2"})
    assert one is two
    assert get_db("two").name != get_db().name


def test_aliases_that_differ_in_more_have_clients_of_their_own(settings: Any) -> None:
    assert connect(**settings) is not connect(alias="b", tz_aware=True, **settings)


def test_a_registered_alias_opens_when_it_is_used(settings: Any) -> None:
    register_connection("later", **settings)
    assert connection.alias_modes("later") == frozenset()
    assert get_db("later").name == settings["name"]
    assert connection.alias_modes("later") == {"sync"}


@pytest.mark.parametrize("get", [get_connection, get_db])
def test_an_alias_that_nobody_defined(get: Any) -> None:
    with pytest.raises(ConnectionFailure) as caught:
        get()
    assert str(caught.value) == "You have not defined a default connection"
    with pytest.raises(ConnectionFailure) as caught:
        get("x")
    assert str(caught.value) == 'Connection with alias "x" has not been defined'


def test_reconnecting_makes_another_client(settings: Any) -> None:
    first = connect(**settings)
    second = get_connection(reconnect=True)
    assert second is not first
    assert second.admin.command("ping")["ok"]
    assert get_db().client is second


def test_mongomock_serves_the_blocking_family() -> None:
    connect("blog", mongo_client_class=mongomock.MongoClient, **STANDARD)
    get_db()["posts"].insert_one({"title": "x"})
    assert get_db()["posts"].count_documents({}) == 1


# -- closing ------------------------------------------------------------------


def test_disconnect_closes_the_client_and_forgets_the_settings(settings: Any) -> None:
    client = connect(**settings)
    disconnect()
    assert connection._connections == connection._connection_settings == {}
    assert connection._dbs == {}
    with pytest.raises(InvalidOperation):
        client.admin.command("ping")


def test_disconnecting_what_nobody_opened_is_no_error() -> None:
    disconnect()
    disconnect("x")
    disconnect_all()


def test_a_shared_client_is_closed_with_its_last_alias(settings: Any) -> None:
    client = connect(**settings)
    connect(alias="two", **settings)
    disconnect()
    assert client.admin.command("ping")["ok"]
    disconnect("two")
    with pytest.raises(InvalidOperation):
        client.admin.command("ping")


def test_disconnect_all_leaves_what_was_only_registered(settings: Any) -> None:
    connect(**settings)
    connect(alias="two", **settings)
    register_connection("later", **settings)
    disconnect_all()
    assert list(connection._connection_settings) == ["later"]


def test_those_who_asked_are_told_which_alias_closed(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[str] = []
    monkeypatch.setattr(connection.registry, "listeners", [received.append])
    connect(alias="a", **settings)
    disconnect("a")
    assert received == ["a"]


# -- threads ------------------------------------------------------------------


def test_threads_that_open_one_alias_get_one_client(settings: Any) -> None:
    register_connection("shared", **settings)
    barrier = threading.Barrier(8)
    clients: list[Any] = []

    def use() -> None:
        barrier.wait()
        clients.append(get_connection("shared"))
        assert get_db("shared").client is clients[-1]

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(clients) == 8
    assert len({id(client) for client in clients}) == 1


def test_threads_that_open_and_close_do_not_disturb_each_other(settings: Any) -> None:
    errors: list[Exception] = []

    def use(alias: str) -> None:
        try:
            for _ in range(20):
                connect(alias=alias, **settings).admin.command("ping")
                disconnect(alias)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=use, args=(f"a{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert connection._connections == {}


# -- the other family ---------------------------------------------------------


async def test_the_blocking_getters_refuse_an_alias_that_is_only_async(
    settings: Any,
) -> None:
    await connect_async(**settings)
    for get in (get_connection, get_db):
        with pytest.raises(ConnectionFailure, match='"default" is async') as caught:
            get()
        assert "get_async_connection()" in str(caught.value)


async def test_a_blocking_body_is_told_before_anything_is_sent(settings: Any) -> None:
    await connect_async(**settings)
    with pytest.raises(WrongFamilyError) as caught:
        connection.database(SYNC, "default")
    assert caught.value.wanted == "async"


async def test_disconnect_names_the_method_for_an_alias_that_is_only_async(
    settings: Any,
) -> None:
    await connect_async(**settings)
    with pytest.raises(RuntimeError, match=r"Use disconnect_async\(\) with async"):
        disconnect()


def test_bodies_get_the_database_and_the_client(settings: Any) -> None:
    client = connect(**settings)
    assert connection.database(SYNC, "default") is get_db()
    assert connection.client(SYNC, "default") is client


def test_the_modes_of_an_alias(settings: Any) -> None:
    assert connection.alias_modes("default") == frozenset()
    connect(**settings)
    assert connection.alias_modes("default") == {"sync"}
