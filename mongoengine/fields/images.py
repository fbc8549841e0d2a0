"""Fields that hold images, kept in GridFS; made with Pillow."""

from __future__ import annotations

import itertools
import sys
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar

from mongoengine.base.field_paths import innermost
from mongoengine.base.public import publish
from mongoengine.base.types import PassedOn, PythonValue, RawDocument, RawMapping
from mongoengine.driver.io import asynchronous, blocking
from mongoengine.errors import ImproperlyConfigured, ValidationError
from mongoengine.fields.file_proxies import GridFSProxy
from mongoengine.fields.files import FileField
from mongoengine.operations import gridfs, gridfs_upload

if TYPE_CHECKING:
    from collections.abc import Hashable


__all__ = ("ImageField", "ImageGridFsProxy", "ImproperlyConfigured")

_SIZE_KEYS = ("width", "height", "force")

# Other people's tests replace `mongoengine.fields.Image` and `ImageOps`.
_package = sys.modules[__package__]


class ImageGridFsProxy(GridFSProxy):
    """The image of a document: a file, perhaps with a second one, its thumbnail."""

    _is_image = True

    def _prepare(self, data: object, metadata: RawMapping) -> gridfs_upload.Upload:
        """Return the image to store, and its thumbnail if the field asks for one.

        :param data: a file-like object, or the path of a file
        :param metadata: is stored with it; `progressive=True` stores a JPEG that
            appears gradually
        :raises ValidationError: if it is no image that Pillow can read
        """
        field = self._field()
        try:
            image = _package.Image.open(data)
            name: str = image.format
        except Exception as error:
            raise ValidationError(f"Invalid image: {error}") from error
        progressive = metadata.get("progressive") is True and name == "JPEG"
        if field.size and _exceeds(image, field.size):
            image = _fitted(image, field.size)
        thumbnail = None
        if field.thumbnail_size:
            small = _fitted(image.copy(), field.thumbnail_size)
            thumbnail = _encoded(small, name, progressive), _described(small, name)
        description = dict(**_described(image, name), **metadata, thumbnail_id=None)
        return gridfs_upload.Upload(
            _encoded(image, name, progressive), description, thumbnail
        )

    def _field(self) -> Any:
        """Return the image field, which may be that of the items of a list."""
        return innermost(self.instance._fields[self.key])

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

    open_thumbnail = blocking(gridfs.open_thumbnail)
    async_open_thumbnail = asynchronous(gridfs.open_thumbnail)

    @property
    def thumbnail(self) -> Any:
        """The thumbnail's `GridOut`, or None; in async code: `async_open_thumbnail`."""
        return self.open_thumbnail()

    def write(self, *args: object, **kwargs: object) -> None:
        """Raise `RuntimeError`: images are written by `put`."""
        raise RuntimeError('Please use "put" method instead')

    def writelines(self, *args: object, **kwargs: object) -> None:
        """Raise `RuntimeError`: images are written by `put`."""
        raise RuntimeError('Please use "put" method instead')

    async def async_write(self, *args: object, **kwargs: object) -> None:
        """Raise `RuntimeError`: images are written by `put`."""
        self.write()

    async def async_writelines(self, *args: object, **kwargs: object) -> None:
        """Raise `RuntimeError`: images are written by `put`."""
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
        **kwargs: PassedOn,
    ) -> None:
        if _package.Image is None:
            raise ImproperlyConfigured("PIL library was not found")
        self.size = _size_dict(size)
        self.thumbnail_size = _size_dict(thumbnail_size)
        super().__init__(collection_name=collection_name, **kwargs)


def _size_dict(size: object) -> dict[object, object] | None:
    if not isinstance(size, (tuple, list)):
        return None
    return dict(itertools.zip_longest(_SIZE_KEYS, size))


def _exceeds(image: Any, size: dict[Hashable, PythonValue]) -> bool:
    width, height = image.size
    return bool(width > size["width"] or height > size["height"])


def _fitted(image: Any, size: dict[Hashable, PythonValue]) -> Any:
    """Return the image cut to the size, or shrink it in place until it fits."""
    bounds = (size["width"], size["height"])
    resampling = _package.Image.Resampling.LANCZOS
    if size["force"]:
        return _package.ImageOps.fit(image, bounds, resampling)
    image.thumbnail(bounds, resampling)
    return image


def _encoded(image: Any, format_name: str, progressive: bool) -> BytesIO:
    data = BytesIO()
    image.save(data, format_name, progressive=progressive)
    data.seek(0)
    return data


def _described(image: Any, format_name: str) -> RawDocument:
    width, height = image.size
    return {"width": width, "height": height, "format": format_name}


# Imported on first use, after `mongoengine.fields`.
publish({**globals(), "__name__": __package__})
