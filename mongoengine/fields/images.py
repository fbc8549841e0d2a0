"""Fields that hold images, kept in GridFS; made with Pillow."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from io import BytesIO
from typing import Any, ClassVar

from mongoengine.driver.io import IO, asynchronous, blocking
from mongoengine.errors import ValidationError
from mongoengine.fields.files import (
    _HAS_A_FILE,
    FileField,
    GridFSError,
    GridFSProxy,
    file_session,
    upload,
)

__all__ = ("ImageField", "ImageGridFsProxy", "ImproperlyConfigured")

_SIZE_KEYS = ("width", "height", "force")


class ImproperlyConfigured(Exception):
    """An optional package is needed and not installed."""


def _require_pillow() -> None:
    """Import Pillow, which takes long, for those who have images."""
    try:
        import PIL.Image
        import PIL.ImageOps  # noqa: F401
    except ImportError:
        raise ImproperlyConfigured("PIL library was not found") from None


class ImageGridFsProxy(GridFSProxy):
    """The image of a document: a file, perhaps with a second one, its thumbnail."""

    async def _store(self, io: IO, data: Any, metadata: Mapping[str, Any]) -> Any:
        """Store the image, and its thumbnail where the field asks for one.

        :param data: a file-like object, or the path of a file.
        :param metadata: kept with it; `progressive=True` stores a JPEG that appears
            gradually.
        :raises ValidationError: it is no image that Pillow can read.
        """
        from PIL import Image

        field = self._field()
        try:
            image: Any = Image.open(data)
            kind: str = image.format
        except Exception as error:
            raise ValidationError(f"Invalid image: {error}") from error
        progressive = metadata.get("progressive") is True and kind == "JPEG"
        if field.size and _exceeds(image, field.size):
            image = _fitted(image, field.size)
        thumbnail = None
        if field.thumbnail_size:
            small = _fitted(image.copy(), field.thumbnail_size)
            thumbnail = _encoded(small, kind, progressive), _described(small, kind)
        if self.grid_id:
            raise GridFSError(_HAS_A_FILE)
        about = dict(**_described(image, kind), **metadata)
        thumbnail_id = None
        if thumbnail is not None:
            thumbnail_id = await upload(io, self._files(io), *thumbnail)
        about["thumbnail_id"] = thumbnail_id
        try:
            return await upload(
                io, self._files(io), _encoded(image, kind, progressive), about
            )
        except BaseException:
            if thumbnail_id is not None:
                await io(self._files(io).delete(thumbnail_id, file_session()))
            raise

    def _field(self) -> Any:
        """The image field, be it inside a list or a dict."""
        field = self.instance._fields[self.key]
        inner = getattr(field, "field", None)
        return inner if isinstance(inner, FileField) else field

    async def _remove(self, io: IO) -> None:
        """Remove the stored image and its thumbnail."""
        opened = await self._get_body(io)
        thumbnail_id = getattr(opened, "thumbnail_id", None)
        if thumbnail_id:
            await io(self._files(io).delete(thumbnail_id, file_session()))
        await super()._remove(io)

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels, None where there is no image."""
        opened = self._opened()
        return (opened.width, opened.height) if opened else None

    @property
    def format(self) -> str | None:
        """The format's name (``"PNG"``), None where there is no image."""
        opened = self._opened()
        return opened.format if opened else None

    async def _open_thumbnail(self, io: IO) -> Any:
        """Open the thumbnail: a PyMongo `GridOut` (`AsyncGridOut`), or None."""
        opened = await self._get_body(io)
        if opened is None or not opened.thumbnail_id:
            return None
        return await io(self._files(io).get(opened.thumbnail_id, file_session()))

    open_thumbnail = blocking(_open_thumbnail)
    async_open_thumbnail = asynchronous(_open_thumbnail)

    @property
    def thumbnail(self) -> Any:
        """The thumbnail's `GridOut`, or None; in async code: `async_open_thumbnail`."""
        return self.open_thumbnail()

    def write(self, *args: Any, **kwargs: Any) -> None:
        """Not for images: raises `RuntimeError`."""
        raise RuntimeError('Please use "put" method instead')

    def writelines(self, *args: Any, **kwargs: Any) -> None:
        """Not for images: raises `RuntimeError`."""
        raise RuntimeError('Please use "put" method instead')

    async def async_write(self, *args: Any, **kwargs: Any) -> None:
        """Not for images: raises `RuntimeError`."""
        self.write()

    async def async_writelines(self, *args: Any, **kwargs: Any) -> None:
        """Not for images: raises `RuntimeError`."""
        self.writelines()


class ImageField(FileField):
    """A field for an image, checked and sized with Pillow when it is stored.

    :param size: the greatest `(width, height)` in pixels; larger images are made to
        fit, or cut to exactly that size with `(width, height, True)`.
    :param thumbnail_size: store a smaller image too, of that size.
    :param collection_name: the first part of the names of the two collections.

    :raises ImproperlyConfigured: Pillow is not installed.
    """

    proxy_class: ClassVar[type[GridFSProxy]] = ImageGridFsProxy

    def __init__(
        self,
        size: Any = None,
        thumbnail_size: Any = None,
        collection_name: str = "images",
        **kwargs: Any,
    ) -> None:
        _require_pillow()
        self.size = _size_dict(size)
        self.thumbnail_size = _size_dict(thumbnail_size)
        super().__init__(collection_name=collection_name, **kwargs)


def _size_dict(size: Any) -> dict[Any, Any] | None:
    if not isinstance(size, (tuple, list)):
        return None
    return dict(itertools.zip_longest(_SIZE_KEYS, size))


def _exceeds(image: Any, size: dict[Any, Any]) -> bool:
    width, height = image.size
    return bool(width > size["width"] or height > size["height"])


def _fitted(image: Any, size: dict[Any, Any]) -> Any:
    """The image cut to the size, or shrunk in place so that it fits into it."""
    from PIL import Image, ImageOps

    bounds = (size["width"], size["height"])
    filtered_by = Image.Resampling.LANCZOS
    if size["force"]:
        return ImageOps.fit(image, bounds, filtered_by)
    image.thumbnail(bounds, filtered_by)
    return image


def _encoded(image: Any, kind: str, progressive: bool) -> BytesIO:
    data = BytesIO()
    image.save(data, kind, progressive=progressive)
    data.seek(0)
    return data


def _described(image: Any, kind: str) -> dict[str, Any]:
    width, height = image.size
    return {"width": width, "height": height, "format": kind}
