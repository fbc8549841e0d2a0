"""Checks in environments of their own: `nox`, or one of them: `nox -s lint`.

`.ci/run` does the same steps, from nothing, with one Python.
"""

from __future__ import annotations

import pathlib
import sys

import nox

PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
#: The oldest PyMongo that setup.cfg allows, and the newest.
PYMONGO = {"oldest": "pymongo==4.13.*", "newest": "pymongo>=4.13,<5"}
ORACLE = "mongoengine==0.29.3"

nox.options.sessions = ["lint", "types", "tests", "parity", "docs"]
nox.options.error_on_missing_interpreters = False


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install("ruff>=0.9")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    session.install("-e", ".[test]")
    session.run("mypy", "--strict", "mongoengine")


@nox.session(python=PYTHONS)
@nox.parametrize("pymongo", [nox.param(v, id=k) for k, v in PYMONGO.items()])
def tests(session: nox.Session, pymongo: str) -> None:
    """Run the tests, without those that compare with MongoEngine."""
    session.install("-e", ".[test]", pymongo)
    session.run("pytest", "-m", "not parity", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run all tests and show the lines and branches that they do not reach."""
    session.install("-e", ".[test]")
    session.run("pytest", "--cov", "--cov-report=term", *session.posargs)


@nox.session
def reliability(session: nox.Session) -> None:
    """Run every operation against every fault, and cancel it everywhere."""
    session.install("-e", ".[test]")
    session.run("pytest", "tests/reliability", "-m", "reliability_full")


@nox.session
def parity(session: nox.Session) -> None:
    """Compare results, errors and commands with MongoEngine's release."""
    if not pathlib.Path(".oracle").is_dir():
        session.run(
            *(sys.executable, "-m", "pip", "install", "--quiet"),
            *("--target", ".oracle", ORACLE),
            external=True,
        )
    session.install("-e", ".[test]")
    session.run("pytest", "-m", "parity", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; warnings are errors."""
    session.install("-e", ".[docs,signals,images]")
    session.run("sphinx-build", "-W", "--keep-going", "docs", "docs/_build")


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the source distribution, a wheel from it, and import what it installs."""
    session.install("build")
    session.run("python", "-m", "build", "--outdir", session.create_tmp())
    built = next(pathlib.Path(session.create_tmp()).glob("*.whl"))
    session.install(str(built))
    session.run("python", "-W", "error", "-c", "import mongoengine")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Measure; see benchmarks/README.rst for what each script answers."""
    session.install("-e", ".[bench]")
    session.run("python", "benchmarks/codec.py", *session.posargs)
    session.run("python", "benchmarks/operations.py", *session.posargs)
