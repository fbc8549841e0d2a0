"""GenericReferenceField: documents of any class, stored with its name."""

from __future__ import annotations

from typing import Any

import pytest
from bson import SON, DBRef, ObjectId

from mongoengine import (
    Document,
    DoesNotExist,
    EmbeddedDocument,
    GenericReferenceField,
    ListField,
    StringField,
    ValidationError,
)
from mongoengine.errors import NotRegistered
from tests.families import SentCommands

KEY = ObjectId("5f0000000000000000000001")


class GenAuthor(Document):
    name = StringField()


class GenShop(Document):
    code = StringField(primary_key=True)


class GenNote(Document):
    about = GenericReferenceField()
    chosen = GenericReferenceField(choices=[GenAuthor, "GenShop"])
    many = ListField(GenericReferenceField())


pytestmark = pytest.mark.usefixtures("connection")


@pytest.fixture
def author(connection: Any) -> GenAuthor:
    return GenAuthor(name="Ada").save()


def reference(cls: str, collection: str, key: Any) -> dict[str, Any]:
    return {"_cls": cls, "_ref": DBRef(collection, key)}


@pytest.mark.parametrize("choice", [1, None, EmbeddedDocument, ("a", "b")])
def test_choices_must_be_documents_or_names(choice: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        GenericReferenceField(choices=[choice])
    assert str(caught.value) == (
        "Invalid choices provided: must be a list ofDocument subclasses and/or str"
    )


def test_choices_are_kept_as_names() -> None:
    assert GenNote.chosen.choices == ["GenAuthor", "GenShop"]
    assert GenNote.about.choices == []


def test_stores_class_and_dbref(db: Any, author: GenAuthor) -> None:
    GenNote(about=author).save()
    stored = db.gen_note.find_one()["about"]
    assert stored == reference("GenAuthor", "gen_author", author.id)
    assert list(stored) == ["_cls", "_ref"]


def test_reading_loads_the_document_once(
    author: GenAuthor, sent_commands: SentCommands
) -> None:
    GenNote(about=author).save()
    note = GenNote.objects.get()
    sent_commands.clear()
    assert note.about.name == "Ada"
    assert note.about is note.about
    assert sent_commands.names == ["find"]
    assert note._changed_fields == []


def test_a_missing_document(db: Any) -> None:
    db.gen_note.insert_one({"about": reference("GenAuthor", "gen_author", KEY)})
    with pytest.raises(DoesNotExist, match="Trying to dereference unknown document"):
        _ = GenNote.objects.get().about


def test_an_unknown_class(db: Any) -> None:
    db.gen_note.insert_one({"about": reference("GenNobody", "gen_nobody", KEY)})
    note = GenNote.objects.get()
    with pytest.raises(NotRegistered):
        _ = note.about


@pytest.mark.parametrize("value", [KEY, DBRef("gen_author", KEY), 5])
def test_what_is_no_reference_is_given_as_it_is(value: Any) -> None:
    assert GenNote._from_son({"_id": KEY, "about": value}).about == value


@pytest.mark.parametrize("value", [KEY, "x", 5, [1], {"_cls": "GenAuthor"}, {}])
def test_validate_refuses(value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        GenNote.about.validate(value)
    assert str(caught.value) == "GenericReferences can only contain documents"


@pytest.mark.parametrize(
    "value",
    [
        DBRef("gen_author", KEY),
        reference("GenAuthor", "gen_author", KEY),
        SON(reference("GenAuthor", "gen_author", KEY)),
        GenAuthor(id=KEY),
    ],
)
def test_validate_accepts(value: Any) -> None:
    GenNote.about.validate(value)


def test_an_unsaved_document_is_refused() -> None:
    for refuse in (GenNote.about.validate, GenNote.about.to_mongo):
        with pytest.raises(ValidationError, match="'GenAuthor' you are trying to ref"):
            refuse(GenAuthor())


@pytest.mark.parametrize(
    "value", [GenNote(id=KEY), DBRef("gen_author", KEY), reference("GenNote", "n", 1)]
)
def test_choices_refuse(value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        GenNote.chosen._validate(value)
    assert str(caught.value) == "Value must be one of ['GenAuthor', 'GenShop']"


def test_choices_accept() -> None:
    GenNote.chosen._validate(GenShop(code="c"))
    GenNote.chosen._validate(reference("GenAuthor", "gen_author", KEY))


def test_to_mongo_keeps_references() -> None:
    stored = reference("GenAuthor", "gen_author", KEY)
    assert GenNote.about.to_mongo(stored) is stored
    assert GenNote.about.to_mongo(KEY) == KEY
    assert GenNote.about.to_mongo(None) is None


def test_lists_load_in_one_query_per_collection(
    author: GenAuthor, sent_commands: SentCommands
) -> None:
    shop = GenShop(code="c").save()
    other = GenAuthor(name="Bob").save()
    GenNote(many=[author, shop, other]).save()
    note = GenNote.objects.get()
    sent_commands.clear()
    assert note.many == [author, shop, other]
    assert sent_commands.names == ["find", "find"]


def test_queries(author: GenAuthor) -> None:
    GenNote(about=author).save()
    assert GenNote.objects(about=author).count() == 1
    assert GenNote.objects(about=GenAuthor(id=KEY)).count() == 0


def test_fetch(author: GenAuthor) -> None:
    GenNote(about=author).save()
    note = GenNote.objects.no_dereference().get()
    assert note.about == reference("GenAuthor", "gen_author", author.id)
    fetched = GenNote.about.fetch(note)
    assert fetched == author
    assert note.about is fetched
