"""Build script: reads the version; everything else is in setup.cfg."""

import ast
import pathlib

from setuptools import setup

PACKAGE = pathlib.Path(__file__).parent / "mongoengine" / "__init__.py"


def read_version() -> str:
    """Return the release and its local label, read from the source.

    An import would need PyMongo, which a build environment does not have.
    """
    known = {}
    for statement in ast.parse(PACKAGE.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign):
            target, value = statement.targets[0], statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value:
            target, value = statement.target, statement.value
        else:
            continue
        if isinstance(target, ast.Name) and target.id in ("VERSION", "_BUILD"):
            known[target.id] = ast.literal_eval(value)
    return ".".join(str(part) for part in known["VERSION"]) + "+" + known["_BUILD"]


setup(version=read_version())
