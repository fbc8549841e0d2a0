"""Checks in environments of their own: `nox`, or one of them: `nox -s lint`.

`.ci/run` calls them from nothing, and the README's commands.
"""

from __future__ import annotations

import pathlib
import shutil
import sys

import nox

PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
#: The oldest PyMongo that setup.cfg allows, and the newest.
PYMONGO = {"oldest": "pymongo==4.13.*", "newest": "pymongo>=4.13,<5"}
ORACLE = "mongoengine==0.29.3"
#: A worker for each processor; a worker that is done takes tests from another one.
PARALLEL = ("-n", "auto", "--dist", "worksteal")

#: The tool that compares the texts of two packages; it stands beside a clone.
ORIGINALITY = pathlib.Path("..", "shared", "tools", "originality.py")

#: What must hold where only the wheel and PyMongo are installed.
INSTALLED = """
import importlib.metadata, importlib.resources, importlib.util
import mongoengine

for optional in ("blinker", "PIL", "dateutil", "secantus"):
    assert importlib.util.find_spec(optional) is None, optional
version = importlib.metadata.version("mongoengine")
assert version == mongoengine.get_version(), version
assert importlib.resources.files("mongoengine").joinpath("py.typed").is_file()

class Page(mongoengine.Document):
    title = mongoengine.StringField(required=True)
    at = mongoengine.DateTimeField()

Page(title="wheel", at="2026-01-02 03:04:05").validate()
print(version, "imported from", mongoengine.__file__)
"""

#: What must hold where the package is a folder of another project.
VENDORED = """
import importlib.metadata, pathlib
import mongoengine

try:
    installed = importlib.metadata.version("mongoengine")
except importlib.metadata.PackageNotFoundError:
    installed = None
assert installed is None, installed
assert "third_party" in pathlib.Path(mongoengine.__file__).parts
assert (pathlib.Path(mongoengine.__file__).parent / "py.typed").is_file()

class Page(mongoengine.Document):
    title = mongoengine.StringField(required=True)

Page(title="vendored").validate()
print(mongoengine.get_version(), "imported from", mongoengine.__file__)
"""

nox.options.sessions = ["lint", "types", "wheel", "sdist", "docs", "tests", "parity"]
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


@nox.session
def originality(session: nox.Session) -> None:
    """List what the package has in common with MongoEngine's: nothing."""
    if not ORIGINALITY.exists():
        session.error(f"{ORIGINALITY} is not there: cannot compare")
    install_oracle(session)
    session.run("python", str(ORIGINALITY), "mongoengine", ".oracle/mongoengine")


def install_oracle(session: nox.Session) -> None:
    """Install MongoEngine's release in a folder of its own, where it is missing."""
    if not pathlib.Path(".oracle", "mongoengine").is_dir():
        session.run(
            *(sys.executable, "-m", "pip", "install", "--quiet"),
            *("--target", ".oracle", ORACLE),
            external=True,
        )


@nox.session(python=PYTHONS)
@nox.parametrize("pymongo", [nox.param(v, id=k) for k, v in PYMONGO.items()])
def tests(session: nox.Session, pymongo: str) -> None:
    """Run the tests, but for the comparison with MongoEngine; warnings are errors."""
    session.install("-e", ".[test]", pymongo)
    session.run("pytest", *PARALLEL, "-m", "not parity", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run all tests and show the lines and branches that they do not reach."""
    session.install("-e", ".[test]")
    session.run("pytest", *PARALLEL, "--cov", "--cov-report=term", *session.posargs)


@nox.session
def reliability(session: nox.Session) -> None:
    """Run every operation against every fault, and cancel it everywhere."""
    session.install("-e", ".[test]")
    results = pathlib.Path(session.create_tmp(), "cells.jsonl").resolve()
    results.unlink(missing_ok=True)
    session.run(
        *("pytest", *PARALLEL, "tests/reliability", "-m", "reliability_full"),
        env={"RELIABILITY_RESULTS": str(results)},
    )
    soaks = []
    for options in ((), ("--faults",)):
        soaks.append(results.with_name(f"soak{''.join(options)}.txt"))
        with soaks[-1].open("w") as output:
            session.run("python", "benchmarks/soak.py", *options, stdout=output)
    command = ("python", "-m", "tests.reliability.report", results, *soaks)
    session.run(*map(str, command))


@nox.session
def packages(session: nox.Session) -> None:
    """Run packages that are used with MongoEngine, unmodified, with both."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "tests.packages.check", *session.posargs)


@nox.session
def parity(session: nox.Session) -> None:
    """Compare results, errors and commands with MongoEngine's release."""
    install_oracle(session)
    session.install("-e", ".[test]")
    session.run("pytest", *PARALLEL, "-m", "parity", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; warnings are errors, and so are vain searches."""
    session.install("-e", ".[docs,signals,images]")
    session.run("sphinx-build", "-W", "--keep-going", "docs", "docs/_build")
    session.run("python", "docs/search_words.py", "docs/_build")


@nox.session
def wheel(session: nox.Session) -> None:
    """Build a wheel, install it alone, and use what it installs."""
    folder = session.create_tmp()
    for old in pathlib.Path(folder).glob("*.whl"):
        old.unlink()
    session.run("python", "-m", "pip", "wheel", "--no-deps", "-w", folder, ".")
    (built,) = pathlib.Path(folder).glob("*.whl")
    session.install("--force-reinstall", str(built))
    with session.chdir(folder):
        session.run("python", "-W", "error", "-c", INSTALLED)


@nox.session
def sdist(session: nox.Session) -> None:
    """Build the source distribution and a wheel from it; check their metadata."""
    folder = session.create_tmp()
    for old in pathlib.Path(folder).glob("mongoengine-*"):
        old.unlink()
    session.install("build", "twine")
    session.run("python", "-m", "build", "--outdir", folder)
    built = [str(path) for path in pathlib.Path(folder).glob("mongoengine-*")]
    session.run("twine", "check", "--strict", *built)


@nox.session
def packaging(session: nox.Session) -> None:
    """Install in each way that docs/howto/installing.rst names."""
    session.install("build")
    folder = pathlib.Path(session.create_tmp()).resolve()
    wheels = [_built_wheel(session, folder / name) for name in ("one", "two")]
    if wheels[0].read_bytes() != wheels[1].read_bytes():
        session.error(f"{wheels[0].name}: two builds of one tree differ")
    root = pathlib.Path.cwd()
    for pymongo in PYMONGO.values():
        _try_installed(session, folder, str(wheels[0]), pymongo)
    _try_installed(session, folder, f"git+file://{root}")
    session.install(ORACLE)
    _try_installed(session, folder, str(wheels[0]))
    session.install("--upgrade", "--upgrade-strategy", "only-if-needed", "mongoengine")
    with session.chdir(folder):
        session.run("python", "-W", "error", "-c", INSTALLED)
    _try_vendored(session, folder, root)


def _built_wheel(session: nox.Session, folder: pathlib.Path) -> pathlib.Path:
    """Build a wheel from a copy of the tree, as of the date of the last commit."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(
        pathlib.Path.cwd(),
        folder / "tree",
        ignore=shutil.ignore_patterns(".*", "*.egg-info", "build", "_build"),
    )
    session.run(
        *("python", "-m", "build", "--wheel", "--outdir", str(folder)),
        str(folder / "tree"),
        env={"SOURCE_DATE_EPOCH": "1767225600"},
    )
    (built,) = folder.glob("*.whl")
    return built


def _try_installed(session: nox.Session, folder: pathlib.Path, *what: str) -> None:
    """Install the distribution anew, and use what it installs."""
    session.run(
        "python", "-m", "pip", "uninstall", "-q", "-y", "mongoengine", "pymongo"
    )
    session.install(*what)
    with session.chdir(folder):
        session.run("python", "-W", "error", "-c", INSTALLED)


def _try_vendored(
    session: nox.Session, folder: pathlib.Path, root: pathlib.Path
) -> None:
    """Use the package from a folder of another project; only PyMongo is installed."""
    session.run("python", "-m", "pip", "uninstall", "-q", "-y", "mongoengine")
    vendored = folder / "service" / "third_party"
    shutil.rmtree(vendored, ignore_errors=True)
    shutil.copytree(root / "mongoengine", vendored / "mongoengine")
    with session.chdir(folder):
        session.run("python", "-c", VENDORED, env={"PYTHONPATH": str(vendored)})


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Measure what a document costs, and an operation."""
    session.install("-e", ".[bench]")
    session.run("python", "benchmarks/codec.py", *session.posargs)
    session.run("python", "benchmarks/operations.py", *session.posargs)
