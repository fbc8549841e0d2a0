"""Name the packages, what is installed for each, and what is expected of it."""

from __future__ import annotations

import pathlib
from typing import NamedTuple

EXAMPLES = pathlib.Path(__file__).with_name("examples")


class Package(NamedTuple):
    """A package around MongoEngine and its example.

    `requirements` are what pip installs from the registry; `broken` says why the
    example fails with MongoEngine's own release, too.
    """

    name: str
    requirements: tuple[str, ...]
    tried: str
    broken: str | None = None

    @property
    def example(self) -> pathlib.Path:
        return EXAMPLES / f"{self.name.lower().replace('-', '_')}_example.py"


PACKAGES = (
    Package(
        "flask-mongoengine",
        ("flask-mongoengine[wtf]", "flask<2.3", "werkzeug<2.3", "wtforms<3.1"),
        "settings, ``get_or_404``, ``paginate``, forms, sessions; Flask 2.2, since "
        "newer releases lack what it imports",
    ),
    Package(
        "django-rest-framework-mongoengine",
        ("django-rest-framework-mongoengine", "django", "djangorestframework"),
        "serializers of all field kinds, a view set over HTTP, unique validators",
    ),
    Package(
        "marshmallow-mongoengine",
        ("marshmallow-mongoengine",),
        "schemas of documents: load, dump, update, errors",
    ),
    Package(
        "mongoengine-goodjson",
        ("mongoengine-goodjson",),
        "JSON of documents and querysets",
        broken="imports ``bson.PY3``, which PyMongo 4 does not have",
    ),
    Package(
        "graphene-mongo",
        ("graphene-mongo",),
        "object types, connections, filters, references, embedded documents",
    ),
    Package(
        "factory-boy",
        ("factory-boy",),
        "build, create, batches, sub-factories of embedded documents and references",
    ),
    Package(
        "mongomock",
        ("mongomock",),
        "``mongo_client_class``: save, filter, update, modify, delete, unique indexes",
    ),
    Package(
        "starlette-admin",
        ("starlette-admin", "python-multipart", "itsdangerous", "httpx"),
        "list, search, detail, create, edit, delete over HTTP",
    ),
    Package(
        "flask-admin",
        ("flask-admin", "flask-wtf", "email-validator"),
        "list, search, filters, create, edit, delete over HTTP",
    ),
    Package(
        "flask-security",
        ("flask-security", "email-validator"),
        "users and roles, signing in and out, roles required",
    ),
    Package(
        "celery",
        ("celery",),
        "a prefork worker: tasks of processes that connect after the fork, and of ones "
        "that have a connection from before it",
    ),
)
