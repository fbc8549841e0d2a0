"""Sphinx configuration: ``pip install '.[docs]' && sphinx-build docs docs/_build``."""

from mongoengine import get_version

project = "MongoEngine"
author = "The authors of this distribution"
release = get_version()
extensions = ["sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
default_role = "code"
html_theme = "alabaster"
