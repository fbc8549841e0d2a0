"""Optional packages: Pillow and python-dateutil, or None if they are absent."""

try:
    from PIL import Image as Image
    from PIL import ImageOps as ImageOps
except ImportError:
    Image = ImageOps = None  # type: ignore[assignment]

try:
    import dateutil as dateutil
except ImportError:
    dateutil = None
