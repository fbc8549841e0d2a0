"""ReferenceField: what it stores, accepts and gives, and when it reads."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from bson import DBRef, ObjectId

from mongoengine import (
    Document,
    DoesNotExist,
    EmbeddedDocument,
    IntField,
    ListField,
    ReferenceField,
    StringField,
    ValidationError,
)
from mongoengine.base import LazyReference
from mongoengine.errors import InvalidDocumentError, NotRegistered
from tests.families import SentCommands

KEY = ObjectId("5f0000000000000000000001")


class RefAuthor(Document):
    name = StringField()


class RefBook(Document):
    author = ReferenceField(RefAuthor)
    editor = ReferenceField(RefAuthor, dbref=True)
    sequel = ReferenceField("self")


class RefCode(Document):
    code = StringField(primary_key=True)


class RefShape(Document):
    meta = {"abstract": True}


class RefCircle(RefShape):
    radius = IntField()


class RefDrawing(Document):
    shape = ReferenceField(RefShape)
    code = ReferenceField("RefCode")


pytestmark = pytest.mark.usefixtures("connection")


@pytest.fixture
def author(connection: Any) -> RefAuthor:
    return RefAuthor(name="Ada").save()


@pytest.mark.parametrize("given", [3, None, object, str, EmbeddedDocument])
def test_document_type_must_be_a_document_class_or_a_name(given: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        ReferenceField(given)
    assert str(caught.value) == (
        "Argument to ReferenceField constructor must be a document class or a string"
    )


def test_document_type_by_name() -> None:
    assert RefDrawing.code.document_type is RefCode


def test_document_type_self_is_the_owner() -> None:
    assert RefBook.sequel.document_type is RefBook


def test_document_type_of_an_unknown_name() -> None:
    class RefLost(Document):
        other = ReferenceField("RefNobody")

    with pytest.raises(NotRegistered, match="`RefNobody` has not been registered"):
        _ = RefLost.other.document_type


def test_an_unknown_name_is_told_when_a_document_is_loaded() -> None:
    class RefLost(Document):
        other = ReferenceField("RefNobody")

    with pytest.raises(NotRegistered):
        RefLost._from_son({"_id": KEY, "other": KEY})


def test_stores_the_primary_key(db: Any, author: RefAuthor) -> None:
    RefBook(author=author).save()
    assert db.ref_book.find_one()["author"] == author.id


def test_stores_a_dbref_if_asked(db: Any, author: RefAuthor) -> None:
    RefBook(editor=author).save()
    assert db.ref_book.find_one()["editor"] == DBRef("ref_author", author.id)


def test_stores_a_dbref_with_the_class_for_an_abstract_target(db: Any) -> None:
    circle = RefCircle(radius=1).save()
    RefDrawing(shape=circle).save()
    expected = DBRef("ref_circle", circle.id, cls="RefCircle")
    assert db.ref_drawing.find_one()["shape"] == expected
    assert RefDrawing.objects.get().shape == circle


def test_a_key_alone_does_not_tell_the_class_of_an_abstract_target() -> None:
    with pytest.raises(InvalidDocumentError, match="has no attribute 'id'"):
        RefDrawing._from_son({"_id": KEY, "shape": KEY})


def test_reading_loads_the_document_once(
    author: RefAuthor, sent_commands: SentCommands
) -> None:
    RefBook(author=author).save()
    book = RefBook.objects.get()
    sent_commands.clear()
    first = book.author
    assert first == author
    assert first.name == "Ada"
    assert book.author is first
    assert sent_commands.names == ["find"]
    assert sent_commands.named("find")[0]["filter"] == {"_id": author.id}
    assert book._changed_fields == []


def test_data_holds_a_dbref_until_it_is_read(author: RefAuthor) -> None:
    RefBook(author=author).save()
    book = RefBook.objects.get()
    assert book._data["author"] == DBRef("ref_author", author.id)
    assert type(book._data["author"]) is DBRef
    assert book.author is book._data["author"]


def test_a_missing_document(db: Any, sent_commands: SentCommands) -> None:
    db.ref_book.insert_one({"author": KEY})
    book = RefBook.objects.get()
    with pytest.raises(DoesNotExist) as caught:
        _ = book.author
    assert str(caught.value) == (
        f"Trying to dereference unknown document DBRef('ref_author', {KEY!r})"
    )


def test_an_object_id_in_a_dbref_field_is_not_followed(author: RefAuthor) -> None:
    assert RefBook(editor=author.id).editor == author.id


def test_validating_what_was_loaded_reads_nothing(
    author: RefAuthor, sent_commands: SentCommands
) -> None:
    RefBook(author=author, editor=author).save()
    book = RefBook.objects.get()
    sent_commands.clear()
    book.validate()
    assert book.to_mongo()["author"] == author.id
    assert sent_commands.names == []


@pytest.mark.parametrize("value", ["x", 5, [1], {"_id": KEY}, RefCode(code="c")])
def test_validate_refuses_what_is_no_reference(value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        RefBook.author.validate(value)
    assert str(caught.value) == (
        "A ReferenceField only accepts DBRef, LazyReference, ObjectId or documents"
    )


@pytest.mark.parametrize(
    "value",
    [KEY, DBRef("ref_author", KEY), LazyReference(RefAuthor, KEY), RefAuthor(id=KEY)],
)
def test_validate_accepts(value: Any) -> None:
    RefBook.author.validate(value)


UNSAVED = (
    "The instance of the document 'RefAuthor' you are trying to reference has an "
    "empty 'id'. You can only reference documents once they have been saved to the "
    "database"
)


def test_an_unsaved_document_is_refused() -> None:
    for refuse in (RefBook.author.validate, RefBook.author.to_mongo):
        with pytest.raises(ValidationError) as caught:
            refuse(RefAuthor())
        assert str(caught.value) == UNSAVED


@pytest.mark.parametrize("value", [KEY, str(KEY), DBRef("ref_author", KEY)])
def test_to_mongo_of_what_stands_for_a_document(value: Any) -> None:
    assert RefBook.author.to_mongo(value) == KEY


def test_to_python_keeps_what_is_a_reference_or_document() -> None:
    lazy = LazyReference(RefAuthor, KEY)
    document = RefAuthor()
    assert RefBook.author.to_python(lazy) is lazy
    assert RefBook.author.to_python(document) is document
    assert RefBook.editor.to_python(KEY) is KEY


def test_to_python_converts_the_key() -> None:
    assert RefBook.author.to_python(str(KEY)) == DBRef("ref_author", KEY)


def test_lookup_member() -> None:
    assert RefBook.author.lookup_member("name") is RefAuthor.name
    assert RefBook.author.lookup_member("nothing") is None


def test_assigning_the_same_document_changes_nothing(author: RefAuthor) -> None:
    RefBook(author=author).save()
    book = RefBook.objects.get()
    book.author = author
    assert book._changed_fields == []


def test_assigning_another_document(db: Any, author: RefAuthor) -> None:
    RefBook(author=author).save()
    book = RefBook.objects.get()
    book.author = RefAuthor(name="Bob").save()
    assert book._changed_fields == ["author"]
    book.save()
    assert db.ref_book.find_one()["author"] == book.author.id


@pytest.mark.parametrize(
    "value", [KEY, str(KEY), DBRef("ref_author", KEY), LazyReference(RefAuthor, KEY)]
)
def test_queries_take_whatever_stands_for_a_document(db: Any, value: Any) -> None:
    db.ref_book.insert_one({"author": KEY})
    assert RefBook.objects(author=value).count() == 1


def test_references_are_not_followed_without_dereferencing(
    author: RefAuthor, sent_commands: SentCommands
) -> None:
    RefBook(author=author).save()
    book = RefBook.objects.no_dereference().get()
    sent_commands.clear()
    assert type(book.author) is DBRef
    assert sent_commands.names == []


def test_a_field_that_does_not_follow() -> None:
    class RefReader(Document):
        book = ReferenceField(RefBook)

    RefReader.book.set_auto_dereferencing(False)
    reader = RefReader(book=DBRef("ref_book", KEY))
    assert reader.book == DBRef("ref_book", KEY)


def test_fetch_loads_and_is_held(
    author: RefAuthor, sent_commands: SentCommands
) -> None:
    RefBook(author=author).save()
    book = RefBook.objects.no_dereference().get()
    sent_commands.clear()
    fetched = RefBook.author.fetch(book)
    assert fetched == author
    assert book.author is fetched
    assert RefBook.author.fetch(book) is fetched
    assert sent_commands.names == ["find"]


def test_fetch_of_nothing() -> None:
    assert RefBook.author.fetch(RefBook()) is None


def test_a_dbref_into_another_database_is_refused(author: RefAuthor) -> None:
    book = RefBook(author=DBRef("ref_author", author.id, "elsewhere"))
    with pytest.raises(ValueError, match="points to another database"):
        _ = book.author


def test_documents_with_references_are_copied_and_pickled(author: RefAuthor) -> None:
    book = RefBook(author=author).save()
    for again in (copy.deepcopy(book), pickle.loads(pickle.dumps(book))):
        assert again.author == author


def test_lists_of_references(db: Any, author: RefAuthor) -> None:
    class RefShelf(Document):
        authors = ListField(ReferenceField(RefAuthor))

    RefShelf(authors=[author]).save()
    shelf = RefShelf.objects.get()
    assert shelf.authors == [author]
    assert db.ref_shelf.find_one()["authors"] == [author.id]


class RefPickyKey(StringField):
    """A key that user code converts."""

    def to_python(self, value: Any) -> Any:
        return str(value).upper()


def test_a_converted_key_is_looked_up(db: Any) -> None:
    class RefPicky(Document):
        code = RefPickyKey(primary_key=True)

    class RefHolder(Document):
        picky = ReferenceField(RefPicky)

    db.ref_holder.insert_one({"picky": "a"})
    assert RefHolder.objects.get()._data["picky"] == DBRef("ref_picky", "A")
    assert RefHolder.objects.get().to_mongo()["picky"] == "A"
