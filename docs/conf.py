"""Sphinx configuration: `sphinx-build -W docs docs/_build`; needs the extra `docs`."""

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
exclude_patterns = ["_build"]
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
