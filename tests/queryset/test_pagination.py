"""Pages of a query, the last document, and lists of one field, in both families."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bson import ObjectId

from mongoengine import (
    Document,
    DynamicDocument,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    InvalidQueryError,
    ListField,
    StringField,
)
from mongoengine.errors import OperationError
from mongoengine.query.keyset import beyond, sort_of
from tests.families import Family


class PGPlace(EmbeddedDocument):
    city = StringField(db_field="c")


class PGItem(Document):
    name = StringField(db_field="n")
    rank = IntField()
    place = EmbeddedDocumentField(PGPlace)
    tags = ListField(StringField())
    meta = {"collection": "pg_item"}


class PGAny(DynamicDocument):
    meta = {"collection": "pg_any"}


#: Ranks repeat, and some documents have none.
RANKS = [3, 1, None, 2, 3, None, 1, 2, 3, 0, 1]


@pytest.fixture
def items(mongo: Any) -> Any:
    mongo.pg_item.insert_many(
        {
            "_id": ObjectId(f"{place:024x}"),
            "n": f"n{place}",
            "place": {"c": f"c{place % 4}"},
        }
        | ({} if rank is None else {"rank": rank})
        for place, rank in enumerate(RANKS)
    )
    return mongo


async def forwards(family: Family, queryset: Any, size: int, **options: Any) -> Any:
    """Return the pages from the first to the last."""
    pages = [await family(queryset, "paginate", size, **options)]
    while pages[-1].next is not None:
        token = pages[-1].next
        pages.append(await family(queryset, "paginate", size, after=token, **options))
    return pages


def names(pages: Any) -> Iterator[str]:
    return (item.name for page in pages for item in page.items)


@pytest.mark.usefixtures("items")
@pytest.mark.parametrize("size", [1, 2, 3, 5, 11, 20])
@pytest.mark.parametrize(
    "order",
    [
        (),
        ("rank",),
        ("-rank",),
        ("-rank", "name"),
        ("rank", "-name"),
        ("-id",),
        ("-place__city",),
    ],
)
async def test_pages_have_every_document_once_and_in_order(
    family: Family, order: tuple[str, ...], size: int
) -> None:
    queryset = PGItem.objects.order_by(*order)
    pages = await forwards(family, queryset, size)
    last = order[-1] if order else "id"
    keys = [*order, "-id" if last.startswith("-") else "id"]
    whole = await family(PGItem.objects.order_by(*keys), "to_list")
    assert list(names(pages)) == [item.name for item in whole]
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)
    assert pages[0].previous is None


@pytest.mark.usefixtures("items")
@pytest.mark.parametrize("order", ["rank", "-rank"])
async def test_pages_go_back_the_way_they_came(family: Family, order: str) -> None:
    queryset = PGItem.objects.order_by(order)
    pages = await forwards(family, queryset, 3)
    page, back = pages[-1], [pages[-1]]
    while page.previous is not None:
        page = await family(queryset, "paginate", 3, before=page.previous)
        back.insert(0, page)
    assert list(names(back)) == list(names(pages))
    assert all(page.next is not None for page in back[:-1])


@pytest.mark.parametrize("order", ["value", "-value"])
async def test_values_of_several_types_are_all_found(
    family: Family, mongo: Any, order: str
) -> None:
    values = [2, "a", None, 1.5, {"a": 1}, b"x", ObjectId(), True, "b", 7]
    mongo.pg_any.insert_many([{"value": value} for value in values])
    pages = await forwards(family, PGAny.objects.order_by(order), 1)
    assert len({item.pk for page in pages for item in page}) == len(values)
    whole = await family(PGAny.objects.order_by(order), "to_list")
    assert [item.pk for page in pages for item in page] == [item.pk for item in whole]


@pytest.mark.usefixtures("items")
async def test_a_page_skips_nothing_that_was_inserted_before_it(family: Family) -> None:
    queryset = PGItem.objects.order_by("name")
    page = await family(queryset, "paginate", 3)
    await family(PGItem(name="a"), "save")
    following = await family(queryset, "paginate", 3, after=page.next)
    assert [item.name for item in page] == ["n0", "n1", "n10"]
    assert [item.name for item in following] == ["n2", "n3", "n4"]


@pytest.mark.usefixtures("items")
async def test_a_page_is_one_find_without_skip(family: Family) -> None:
    queryset = PGItem.objects(rank__gte=1).order_by("rank")
    page = await family(queryset, "paginate", 2)
    assert family.command_names == ["find"]
    await family(queryset, "paginate", 2, after=page.next)
    (command,) = family.commands
    assert command["limit"] == 3
    assert "skip" not in command


@pytest.mark.usefixtures("items")
async def test_pages_by_number_have_a_total(family: Family) -> None:
    queryset = PGItem.objects(rank__gte=1).order_by("name")
    page = await family(queryset, "paginate", 3, page_number=2)
    assert [item.name for item in page] == ["n3", "n4", "n6"]
    assert (page.total, page.pages) == (8, 3)
    following = await family(queryset, "paginate", 3, after=page.next)
    assert [item.name for item in following] == ["n7", "n8"]
    assert following.next is None
    assert (await family(queryset, "paginate", 3, page_number=9)).items == []


@pytest.mark.usefixtures("items")
async def test_projections_and_scalars_have_pages(family: Family) -> None:
    for queryset, expected in (
        (PGItem.objects.order_by("rank").scalar("name"), "n2"),
        (PGItem.objects.order_by("rank").only("name").scalar("name"), "n2"),
        (PGItem.objects.order_by("rank").exclude("rank").scalar("name"), None),
    ):
        first = await family(queryset, "paginate", 2)
        second = await family(queryset, "paginate", 9, after=first.next)
        assert len(first) + len(second) == len(RANKS)
        assert expected is None or first.items[0] == expected


@pytest.mark.usefixtures("items")
async def test_none_has_an_empty_page(family: Family) -> None:
    page = await family(PGItem.objects.none(), "paginate", page_number=1)
    assert (page.items, page.next, page.previous, page.total) == ([], None, None, 0)


@pytest.mark.usefixtures("items")
@pytest.mark.parametrize("token", ["", "x", "%%%", "AAAA", "ä", "eyJhIjogMX0"])
@pytest.mark.parametrize("secret", [None, "secret"])
async def test_a_text_that_is_no_token(
    family: Family, token: str, secret: str | None
) -> None:
    with pytest.raises(InvalidQueryError, match="Not a token"):
        await family(PGItem.objects, "paginate", 2, after=token, secret=secret)


@pytest.mark.usefixtures("items")
async def test_a_token_of_another_order(family: Family) -> None:
    page = await family(PGItem.objects.order_by("rank"), "paginate", 2)
    with pytest.raises(InvalidQueryError, match="Not a token of this order"):
        await family(PGItem.objects.order_by("-rank"), "paginate", 2, after=page.next)


@pytest.mark.usefixtures("items")
async def test_tokens_that_are_signed(family: Family) -> None:
    pages = await forwards(family, PGItem.objects, 4, secret="one")
    assert len(list(names(pages))) == len(RANKS)
    for secret in (None, "two", b"two"):
        with pytest.raises(InvalidQueryError, match="Not a token"):
            await family(
                PGItem.objects, "paginate", 4, after=pages[0].next, secret=secret
            )
    plain = await family(PGItem.objects, "paginate", 4)
    with pytest.raises(InvalidQueryError, match="Not a token"):
        await family(PGItem.objects, "paginate", 4, after=plain.next, secret="one")


@pytest.mark.parametrize(
    "options",
    [
        {"size": 0},
        {"page_number": 0},
        {"after": "a", "before": "b"},
        {"after": "a", "page_number": 1},
    ],
)
async def test_arguments_that_make_no_page(
    family: Family, options: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="paginate"):
        await family(PGItem.objects, "paginate", **options)


async def test_a_slice_has_no_pages(family: Family) -> None:
    with pytest.raises(OperationError, match="slice"):
        await family(PGItem.objects[2:5], "paginate")


async def test_lists_give_no_order_of_pages(family: Family, mongo: Any) -> None:
    mongo.pg_item.insert_many([{"tags": ["a"]}, {"tags": ["b", "c"]}])
    with pytest.raises(OperationError, match="cannot be ordered"):
        await family(PGItem.objects.order_by("tags"), "paginate", 1)


def test_a_filter_names_the_types_that_follow() -> None:
    sort = sort_of([("rank", -1)])
    condition = beyond(sort, [2, ObjectId("0" * 24)])
    assert {"rank": {"$lt": 2}} in condition["$or"]
    assert {"rank": None} in condition["$or"]
    assert sort == [("rank", -1), ("_id", -1)]


# last


@pytest.mark.usefixtures("items")
async def test_last_reverses_the_order(family: Family) -> None:
    assert (await family(PGItem.objects.order_by("name"), "last")).name == "n9"
    assert (await family(PGItem.objects.order_by("-name"), "last")).name == "n0"
    assert (await family(PGItem.objects, "last")).name == "n10"
    assert await family(PGItem.objects(rank=99), "last") is None
    assert await family(PGItem.objects.none(), "last") is None


async def test_a_slice_has_no_last_document(family: Family) -> None:
    with pytest.raises(OperationError, match="slice"):
        await family(PGItem.objects[:5], "last")


# values_list(flat=True)


@pytest.mark.usefixtures("items")
async def test_flat_lists_have_values_of_one_field(family: Family) -> None:
    queryset = PGItem.objects(rank=3).order_by("name")
    found = await family.loop(queryset.values_list("name", flat=True))
    assert found == ["n0", "n4", "n8"]


@pytest.mark.parametrize("fields", [(), ("name", "rank")])
def test_flat_lists_are_of_one_field(fields: tuple[str, ...]) -> None:
    with pytest.raises(TypeError, match="takes one field"):
        PGItem.objects.values_list(*fields, flat=True)
