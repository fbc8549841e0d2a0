"""ImageField: sizes, thumbnails, and what is refused."""

from __future__ import annotations

import copy
import io
import subprocess
import sys
from typing import Any

import pytest

from mongoengine import (
    Document,
    GridFSError,
    ImageField,
    ImageGridFsProxy,
    ListField,
    ValidationError,
)

from .helpers import document_with

Image = pytest.importorskip("PIL.Image", reason="ImageField needs Pillow")


def picture(width: int, height: int, kind: str = "PNG", **options: Any) -> io.BytesIO:
    data = io.BytesIO()
    Image.new("RGB", (width, height), 1).save(data, kind, **options)
    data.seek(0)
    return data


def holder_of(image: Any, **options: Any) -> Any:
    holder = document_with(ImageField(**options))()
    holder.value.put(image)
    return holder.save()


def test_an_image_is_stored_with_its_size_and_format(db: Any) -> None:
    holder = holder_of(picture(30, 20))
    assert holder.value.size == (30, 20)
    assert holder.value.format == "PNG"
    assert holder.value.thumbnail is None
    stored = db["images.files"].find_one()
    assert (stored["width"], stored["height"], stored["format"]) == (30, 20, "PNG")


@pytest.mark.parametrize(
    ("options", "given", "size"),
    [
        ((50, 40), (100, 100), (40, 40)),
        ((50, 40), (30, 20), (30, 20)),
        ((50, 40, True), (100, 100), (50, 40)),
        ((50, 40, True), (30, 20), (30, 20)),
        ((50, 40, True), (51, 10), (50, 40)),
    ],
)
def test_larger_images_are_made_smaller(
    db: Any, options: Any, given: tuple[int, int], size: tuple[int, int]
) -> None:
    holder = holder_of(picture(*given), size=options)
    assert holder.value.size == size
    assert Image.open(holder.value.get()).size == size


@pytest.mark.parametrize(
    ("options", "size"), [((20, 10), (10, 10)), ((20, 10, True), (20, 10))]
)
def test_thumbnails(db: Any, options: Any, size: tuple[int, int]) -> None:
    holder = holder_of(picture(100, 100), thumbnail_size=options)
    thumbnail = holder.value.thumbnail
    assert (thumbnail.width, thumbnail.height) == size
    assert Image.open(thumbnail).size == size
    assert holder.value.size == (100, 100)


def test_a_thumbnail_goes_with_its_image(db: Any) -> None:
    holder = holder_of(picture(9, 9), thumbnail_size=(5, 5))
    assert db["images.files"].count_documents({}) == 2
    holder.value.replace(picture(8, 8))
    assert db["images.files"].count_documents({}) == 2
    holder.value.delete()
    assert db["images.files"].count_documents({}) == 0


@pytest.mark.parametrize("data", [io.BytesIO(b"no image"), None, "/no/such/file"])
def test_what_is_no_image_is_refused(db: Any, data: Any) -> None:
    with pytest.raises(ValidationError, match="Invalid image: "):
        holder_of(data)


def test_a_second_image_is_refused_and_leaves_nothing(db: Any) -> None:
    holder = holder_of(picture(9, 9), thumbnail_size=(5, 5))
    with pytest.raises(GridFSError, match="already has a file"):
        holder.value.put(picture(9, 9))
    assert db["images.files"].count_documents({}) == 2


def test_a_thumbnail_is_removed_where_its_image_could_not_be_stored(db: Any) -> None:
    taken = holder_of(picture(9, 9)).value.grid_id
    holder = document_with(ImageField(thumbnail_size=(5, 5)))()
    with pytest.raises(Exception, match="already exists"):
        holder.value.put(picture(9, 9), _id=taken)
    assert db["images.files"].count_documents({}) == 1


@pytest.mark.parametrize(
    ("kind", "asked", "stored"),
    [("JPEG", True, True), ("JPEG", False, False), ("JPEG", 1, False)],
)
def test_progressive_images(db: Any, kind: str, asked: Any, stored: bool) -> None:
    holder = document_with(ImageField())()
    holder.value.put(picture(20, 20, kind), progressive=asked)
    info = Image.open(holder.value.get()).info
    assert bool(info.get("progressive")) is stored


def test_images_are_not_written_in_pieces(db: Any) -> None:
    proxy = document_with(ImageField())().value
    with pytest.raises(RuntimeError, match='Please use "put" method instead'):
        proxy.write(b"x")
    with pytest.raises(RuntimeError, match='Please use "put" method instead'):
        proxy.writelines([b"x"])


def test_assigning_an_image(db: Any) -> None:
    Holder = document_with(ImageField(size=(5, 5)))
    holder = Holder()
    holder.value = picture(10, 10)
    holder.save()
    assert Holder.objects.get().value.size == (5, 5)


def test_no_image(db: Any) -> None:
    proxy = document_with(ImageField())().value
    assert (proxy.size, proxy.format, proxy.thumbnail) == (None, None, None)


def test_images_in_a_list(db: Any) -> None:
    class Album(Document):
        images = ListField(ImageField(size=(5, 5)))

    album = Album()
    proxy = ImageGridFsProxy(instance=album, key="images")
    proxy.put(picture(20, 20))
    album.images.append(proxy)
    album.save()
    assert type(Album.objects.get().images[0]) is ImageGridFsProxy
    assert proxy.size == (5, 5)


def test_a_copied_document_keeps_its_image(db: Any) -> None:
    holder = holder_of(picture(9, 9))
    assert type(copy.copy(holder.value)) is ImageGridFsProxy
    assert copy.deepcopy(holder).value.grid_id == holder.value.grid_id


def test_sizes_as_the_field_shows_them() -> None:
    field = ImageField(size=(5, 4), thumbnail_size=[3, 2, True])
    assert field.size == {"width": 5, "height": 4, "force": None}
    assert field.thumbnail_size == {"width": 3, "height": 2, "force": True}
    assert ImageField(size=5).size is None


def test_without_pillow_the_field_says_so() -> None:
    code = """
import sys
sys.modules["PIL"] = None
import mongoengine
try:
    mongoengine.ImageField()
except mongoengine.ImproperlyConfigured as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "PIL library was not found\n"


async def test_images_in_async_code(async_db: Any) -> None:
    Holder = document_with(ImageField(size=(50, 40, True), thumbnail_size=(20, 10)))
    holder = Holder()
    await holder.value.async_put(picture(100, 100), filename="x")
    await holder.async_save()
    found = await Holder.objects.async_get()
    with pytest.raises(AttributeError, match="async_get"):
        found.value.size
    await found.value.async_get()
    assert found.value.size == (50, 40)
    assert found.value.format == "PNG"
    thumbnail = await found.value.async_open_thumbnail()
    assert (thumbnail.width, thumbnail.height) == (12, 10)
    await found.value.async_replace(picture(10, 10))
    assert await async_db["images.files"].count_documents({}) == 2
    await found.value.async_delete()
    assert await async_db["images.files"].count_documents({}) == 0


async def test_what_is_no_image_is_refused_in_async_code(async_db: Any) -> None:
    holder = document_with(ImageField())()
    with pytest.raises(ValidationError, match="Invalid image: "):
        await holder.value.async_put(io.BytesIO(b"no image"))
    with pytest.raises(RuntimeError, match='Please use "put" method instead'):
        await holder.value.async_write(b"x")
