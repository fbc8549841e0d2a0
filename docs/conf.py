"""Sphinx configuration: `sphinx-build -W docs docs/_build`; needs the extra `docs`."""

from typing import Any

import mongoengine
import mongoengine.base
from mongoengine import get_version

project = "MongoEngine"
author = "the maintainers of this distribution"
copyright = author
release = get_version()
version = release
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "_tables"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# Long signatures break at their parameters, so that they fit a phone.
maximum_signature_line_length = 60
default_role = "code"

html_theme = "furo"
html_title = f"MongoEngine {release}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sphinx = False
html_theme_options = {
    "navigation_with_keys": True,
    "footer_icons": [],
    "top_of_page_buttons": [],
}

# An operation and its asynchronous twin have one docstring, and one entry.


def twin_of(path: str) -> str | None:
    """Return the name of the asynchronous twin of a class's method, or None."""
    *owner, name = path.split(".")
    cls: object = mongoengine
    for part in owner[1:]:
        cls = getattr(cls, part, None)
    twin = f"async_{name}"
    return twin if isinstance(cls, type) and hasattr(cls, twin) else None


TWINS = {
    f"async_{name}"
    for cls in (
        mongoengine.Document,
        mongoengine.QuerySet,
        mongoengine.GridFSProxy,
        mongoengine.FileField,
        mongoengine.base.EmbeddedDocumentList,
        mongoengine.base.LazyReference,
    )
    for name in dir(cls)
} - {"async_fetch"}


def skip_twins(
    app: object, kind: str, name: str, member: object, skip: bool, options: object
) -> bool | None:
    """Leave out `async_save`, as the entry of `save` names both."""
    return True if kind == "class" and name in TWINS else None


def name_twins(
    app: object,
    kind: str,
    name: str,
    member: object,
    options: object,
    lines: list[str],
) -> None:
    """Add the asynchronous twin to the entry of a method."""
    twin = twin_of(name) if kind in ("method", "attribute") else None
    if twin is not None:
        lines[:0] = [f"*Asynchronous twin:* ``{twin}()``", ""]


def setup(app: Any) -> None:
    app.connect("autodoc-skip-member", skip_twins)
    app.connect("autodoc-process-docstring", name_twins)
