"""Sphinx configuration: `sphinx-build -W docs docs/_build`; needs the extra `docs`."""

from typing import Any

from docutils import nodes

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
templates_path = ["_templates"]
exclude_patterns = ["_build", "_tables"]
# A literal block without a language of its own is output, a tree of files or a command.
highlight_language = "text"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# Names with their modules do not fit a phone; the pages say where to import them from.
add_module_names = False
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
    """Return the name of the asynchronous twin of a function or method, or None."""
    *owner, name = path.split(".")
    parent: object = mongoengine
    for part in owner[1:]:
        parent = getattr(parent, part, None)
    twin = f"async_{name}"
    return twin if hasattr(parent, twin) else None


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
    twin = twin_of(name)
    if twin is not None:
        lines[:0] = [f"*Asynchronous twin:* ``{twin}()``", ""]


def mark_examples(
    app: object,
    kind: str,
    name: str,
    member: object,
    options: object,
    lines: list[str],
) -> None:
    """Make code of the indented examples in a docstring, which would be quotations."""
    before = ""  # the last line of text
    marked: list[str] = []
    for line in lines:
        follows_text = before and not before.startswith((" ", ":", "- ", "* ", ".."))
        first = line.startswith("    ") and marked and not marked[-1]
        if first and follows_text and not before.endswith("::"):
            marked += [".. code-block:: python", ""]
        marked.append(line)
        before = line or before
    lines[:] = marked


def strip_blocks(app: object, page: nodes.document) -> None:
    """Remove the empty lines around code that is a part of a file."""
    for block in page.findall(nodes.literal_block):
        text = block.astext().strip("\n")
        block[:] = [nodes.Text(text)]
        block.rawsource = text  # highlighting needs both to be equal


def setup(app: Any) -> None:
    app.connect("autodoc-skip-member", skip_twins)
    app.connect("autodoc-process-docstring", name_twins)
    app.connect("autodoc-process-docstring", mark_examples)
    app.connect("doctree-read", strip_blocks)
