"""Run the example of each package with MongoEngine's release and with this package.

    python -m tests.packages.check [--write FILE] [NAME ...]

Each package gets a virtual environment of its own with what the registry has of it.
Its example runs twice there: first with the release of MongoEngine that pip installs
along with it, then with this distribution installed over it. Both must print the
same. Exits with 1 if they do not, or if one fails that is not expected to.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import venv
from typing import NamedTuple

import mongoengine
from mongoengine.driver import embedded

from .table import PACKAGES, Package

ROOT = pathlib.Path(__file__).parents[2]
RELEASE = "mongoengine==0.29.3"
HEADER = """\
.. list-table::
   :class: wide
   :header-rows: 1
   :widths: 22 10 34 34

   * - Package
     - Version
     - The example
     - Result
"""


class Run(NamedTuple):
    """The output of an example."""

    status: int
    output: str
    errors: str


class Result(NamedTuple):
    """The outcome of a package with both."""

    package: Package
    version: str
    ours: Run
    theirs: Run

    @property
    def as_expected(self) -> bool:
        failed = bool(self.theirs.status)
        return (self.package.broken is not None) == failed and (
            self.ours.status == self.theirs.status
            and self.ours.output == self.theirs.output
        )

    @property
    def verdict(self) -> str:
        if not self.as_expected:
            return "differs"
        if self.package.broken is not None:
            return f"fails with both: {self.package.broken}"
        return f"the same {len(self.ours.output.splitlines())} lines with both"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--write", type=pathlib.Path, help="a table for the docs")
    options = parser.parse_args()
    uri = os.environ.get("MONGODB_URI") or embedded_server()
    chosen = [one for one in PACKAGES if not options.names or one.name in options.names]
    results = [result_of(package, uri) for package in chosen]
    if options.write:
        options.write.write_text(table(results))
    return 0 if all(result.as_expected for result in results) else 1


def embedded_server() -> str:
    """Start the embedded server, which ends with this process; return its URI."""
    mongoengine.connect(host="embedded://?auth=false", alias="packages")
    return embedded.address("embedded://?auth=false")


def result_of(package: Package, uri: str) -> Result:
    """Install a package, run its example with both and print how it went."""
    with tempfile.TemporaryDirectory(prefix="mongoengine-packages-") as folder:
        python = new_environment(pathlib.Path(folder))
        install(python, *package.requirements, RELEASE)
        theirs = run(python, package, uri)
        install(python, "--no-deps", str(ROOT))
        ours = run(python, package, uri)
        result = Result(package, version_of(python, package.name), ours, theirs)
    print(f"{package.name} {result.version}: {result.verdict}", flush=True)
    if not result.as_expected:
        for title, one in (("MongoEngine's release", theirs), ("this package", ours)):
            print(f"--- {title}: status {one.status}\n{one.output}{one.errors}")
    return result


def new_environment(folder: pathlib.Path) -> str:
    """Return the Python of a new virtual environment."""
    venv.create(folder, with_pip=True)
    return str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")


def install(python: str, *requirements: str) -> None:
    command = [python, "-m", "pip", "install", "--quiet", *requirements]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def run(python: str, package: Package, uri: str) -> Run:
    """Run the example of a package where no other MongoEngine is on the path."""
    done = subprocess.run(
        [python, "-W", "ignore", str(package.example)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "MONGODB_URI": uri, "PYTHONPATH": ""},
    )
    return Run(done.returncode, done.stdout, done.stderr)


def version_of(python: str, name: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({name!r}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return done.stdout.strip()


def table(results: list[Result]) -> str:
    """Return the results as a table in reStructuredText."""
    rows = [
        f"   * - {one.package.name}\n     - {one.version}\n"
        f"     - {one.package.tried}\n     - {one.verdict}\n"
        for one in results
    ]
    made_by = (
        ".. Written by: python -m tests.packages.check --write\n\n"
        f"MongoEngine {RELEASE.partition('==')[2]} beside this distribution, "
        f"{mongoengine.get_version()}, on Python {sys.version_info.major}."
        f"{sys.version_info.minor}:\n\n"
    )
    return made_by + HEADER + "".join(rows)


if __name__ == "__main__":
    sys.exit(main())
