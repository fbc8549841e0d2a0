"""Where to find the names: modules of this package to `"module:attribute"`."""

NAMES: dict[str, dict[str, str]] = {
    "mongoengine.fields": {
        "Image": "mongoengine.compatibility.pillow:Image",
        "ImageOps": "mongoengine.compatibility.pillow:ImageOps",
    },
}
