"""Pillow, if it is installed: `Image` and `ImageOps`, or None."""

try:
    from PIL import Image as Image
    from PIL import ImageOps as ImageOps
except ImportError:
    Image = ImageOps = None  # type: ignore[assignment]
