"""`python -m mongoengine`: indexes, schema and validate."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo.errors import WriteError

from mongoengine.cli import main
from mongoengine.driver.credentials import without_password

MODELS = """
from mongoengine import *

class Author(EmbeddedDocument):
    name = StringField(required=True)

class Book(Document):
    title = StringField(unique=True)
    pages = IntField(min_value=1)
    author = EmbeddedDocumentField(Author)
    meta = {"indexes": ["pages"], "allow_inheritance": True}

class Novel(Book):
    genre = StringField()

class Base(Document):
    meta = {"abstract": True}
"""


@pytest.fixture
def models(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a module of models that can be imported once."""
    name = f"models_{uuid.uuid4().hex[:8]}"
    (tmp_path / f"{name}.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    sys.modules.pop(name, None)


@pytest.fixture
def command(server_uri: str, database_name: str, models: str) -> Callable[..., int]:
    uri = server_uri.rstrip("/") + "/" + database_name

    def run(name: str, *arguments: str) -> int:
        return main([name, models, "--uri", uri, *arguments])

    return run


@pytest.fixture
def raw(server: Any, database_name: str) -> Any:
    return server[database_name]["book"]


def test_comparing_indexes_creates_none(
    command: Any, raw: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    raw.insert_one({"_cls": "Book", "title": "A"})
    assert command("indexes") == 1
    assert "book: missing {_cls: 1, pages: 1}" in capsys.readouterr().out
    assert list(raw.index_information()) == ["_id_"]


def test_indexes_are_created_and_then_agree(
    command: Any, raw: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("indexes", "--create") == 0
    assert len(raw.index_information()) == 3
    capsys.readouterr()
    assert command("indexes") == 0
    assert capsys.readouterr().out == "book: indexes agree\n"


def test_a_stale_index_is_listed_and_dropped_on_request(
    command: Any, raw: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    command("indexes", "--create")
    raw.create_index([("old", -1)])
    capsys.readouterr()
    assert command("indexes", "--create") == 1
    assert "book: stale {old: -1} (old_-1)" in capsys.readouterr().out
    assert command("indexes", "--drop") == 0
    assert "old_-1" not in raw.index_information()


def test_a_bad_document_is_a_line_of_json(
    command: Any, raw: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = [
        {"_cls": "Book", "title": "A", "pages": 3},
        {"_cls": "Book", "title": "B", "pages": 0},
        {"_cls": "Book.Novel", "title": "C", "genre": "x", "author": {}},
        {"_cls": "Book", "title": "D", "unknown": 1},
        {"_cls": "Gone", "title": "E"},
    ]
    keys = [{"$oid": str(key)} for key in raw.insert_many(stored).inserted_ids]
    assert command("validate") == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["_id"], line["error"]) for line in lines] == [
        (keys[1], "ValidationError"),
        (keys[2], "ValidationError"),
        (keys[3], "FieldDoesNotExist"),
        (keys[4], "NotRegistered"),
    ]
    assert lines[0]["fields"] == {"pages": "Integer value is too small"}
    assert lines[1]["class"] == "Novel"


def test_good_documents_give_no_line(
    command: Any, raw: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    raw.insert_one({"_cls": "Book", "title": "A", "pages": 3})
    assert command("validate") == 0
    assert capsys.readouterr().out == ""


def test_lines_go_to_a_file(command: Any, raw: Any, tmp_path: pathlib.Path) -> None:
    raw.insert_one({"_cls": "Book", "title": "A", "pages": 0})
    assert command("validate", "--output", "bad.jsonl") == 1
    assert json.loads((tmp_path / "bad.jsonl").read_text())["class"] == "Book"


def test_an_unknown_module_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["indexes", "no_such_module_here"]) == 2
    assert "cannot import no_such_module_here" in capsys.readouterr().err


def test_an_unknown_class_fails(
    command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("indexes", "--class", "Nothing") == 2
    assert "no document class named Nothing" in capsys.readouterr().err


def test_a_password_is_never_printed(
    models: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = "mongodb://user:secret@127.0.0.1:1/shop?serverSelectionTimeoutMS=50"
    assert main(["indexes", models, "--uri", uri]) == 2
    assert main(["indexes", models, "--uri", uri + "&nonsense=%"]) == 2
    assert main(["indexes", models, "--alias", "=" + uri]) == 2
    captured = capsys.readouterr()
    assert "secret" not in captured.out + captured.err


def test_passwords_of_several_uris_are_hidden() -> None:
    text = "mongodb://a:b@h/d and mongodb+srv://c:d@h"
    assert without_password(text) == "mongodb://a:***@h/d and mongodb+srv://c:***@h"


def test_it_runs_as_a_module(
    server_uri: str, database_name: str, models: str, tmp_path: pathlib.Path
) -> None:
    uri = server_uri.rstrip("/") + "/" + database_name
    command = [sys.executable, "-m", "mongoengine", "indexes", models, "--uri", uri]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=240
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "book: missing " in done.stdout


def test_schemas_are_printed(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("schema") == 0
    schemas = json.loads(capsys.readouterr().out)
    assert schemas.keys() == {"Book", "Novel"}
    assert "genre" in schemas["Novel"]["properties"]
    assert command("schema", "--format", "validator", "--class", "Book") == 0
    printed = json.loads(capsys.readouterr().out)
    # Other tests may have classes of a collection with this name, too.
    parts = [part["properties"] for part in printed["book"]["$jsonSchema"]["anyOf"]]
    names = [part.get("_cls") for part in parts]
    book, novel = (
        printed["book"]["$jsonSchema"]["anyOf"][names.index({"enum": [name]})]
        for name in ("Book", "Book.Novel")
    )
    assert book["properties"]["pages"] == {"bsonType": ["int", "long"], "minimum": 1}
    assert book["properties"]["author"]["required"] == ["name"]
    assert novel["properties"]["genre"] == {"bsonType": "string"}


def test_a_diagram_is_printed(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("schema", "--format", "mermaid") == 0
    assert capsys.readouterr().out == MERMAID


MERMAID = """\
classDiagram
    class Book {
        ObjectId id
        String title
        Int pages
        Author author
    }
    class Novel {
        String genre
    }
    class Author {
        <<embedded>>
        String name*
    }
    Book *-- Author : author
    Book <|-- Novel
"""


def test_validators_are_compared_and_nothing_is_changed(
    command: Any, raw: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("schema", "--check") == 1
    assert capsys.readouterr().out == "book: the collection is missing\n"
    raw.insert_one({"_cls": "Book"})
    assert command("schema", "--check") == 1
    assert capsys.readouterr().out == "book: no validator\n"
    assert raw.options() == {}


@pytest.mark.parametrize("exists", [False, True])
def test_validators_are_applied_and_then_agree(
    command: Any, raw: Any, capsys: pytest.CaptureFixture[str], exists: bool
) -> None:
    if exists:
        raw.insert_one({"_cls": "Book", "pages": 0})
    assert command("schema", "--apply") == 0
    assert capsys.readouterr().out == "book: the validator is set\n"
    assert command("schema", "--check") == 0
    assert capsys.readouterr().out == "book: the validator agrees\n"
    raw.insert_one({"_cls": "Book.Novel", "genre": "g"})
    with pytest.raises(WriteError):
        raw.insert_one({"_cls": "Book", "pages": 0})


def test_level_and_action_are_chosen(
    command: Any, raw: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    command("schema", "--apply")
    chosen = ("--validation-level", "moderate", "--validation-action", "warn")
    assert command("schema", "--check", *chosen) == 1
    assert "another validationLevel or validationAction" in capsys.readouterr().out
    assert command("schema", "--apply", *chosen) == 0
    options = raw.options()
    assert (options["validationLevel"], options["validationAction"]) == (
        "moderate",
        "warn",
    )
    raw.insert_one({"_cls": "Book", "pages": 0})


def test_another_validator_is_replaced(
    command: Any, raw: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    raw.database.create_collection("book", validator={"a": 1})
    assert command("schema", "--check") == 1
    assert "book: another validator" in capsys.readouterr().out
    assert command("schema", "--apply") == 0
    assert "$jsonSchema" in raw.options()["validator"]
