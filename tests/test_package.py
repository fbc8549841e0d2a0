"""The distribution: its version, what it needs, and what it ships."""

from __future__ import annotations

import ast
import configparser
import importlib.metadata
import pathlib
import re
import subprocess
import sys

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import mongoengine

ROOT = pathlib.Path(__file__).parent.parent
PACKAGE = ROOT / "mongoengine"
OPTIONAL = {"blinker", "PIL", "dateutil", "secantus"}
NEVER = {"typing_extensions"}  # for type checkers only
#: Modules that are there for a package which loads them, or asks for them.
MADE_FOR = {
    "plain.annotations": {"pydantic"},
    "plain.pydantic_types": {"pydantic", "pydantic_core"},
    "testing.plugin": {"pytest"},
}


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def sources() -> list[pathlib.Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports_of(path: pathlib.Path) -> set[str]:
    """The top-level packages that a source imports at run time, wherever in it."""
    found = set()
    nodes: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    for node in nodes:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            nodes.extend(node.orelse)
            continue
        nodes.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found


def test_version_is_a_patched_build_of_the_coming_release() -> None:
    assert mongoengine.VERSION[:3] == (0, 30, 0)
    assert mongoengine.get_version() == mongoengine.__version__ == "0.30.0+async.1"


def test_version_satisfies_packages_that_require_mongoengine() -> None:
    for wanted in ("mongoengine>=0.20", "mongoengine>=0.29,<1", "mongoengine~=0.30.0"):
        assert Requirement(wanted).specifier.contains(Version(mongoengine.__version__))


def test_setup_reads_the_version_without_importing_the_package() -> None:
    ran = subprocess.run(
        [sys.executable, "-S", "-c", SETUP_VERSION, str(ROOT / "setup.py")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == mongoengine.get_version()


SETUP_VERSION = """
import sys, types
given = {}
stub = types.ModuleType("setuptools")
stub.setup = lambda **options: given.update(options)
sys.modules["setuptools"] = stub
path = sys.argv[1]
exec(compile(open(path).read(), path, "exec"), {"__file__": path})
assert "mongoengine" not in sys.modules
print(given["version"])
"""


def test_installed_metadata_agrees() -> None:
    try:
        installed = importlib.metadata.distribution("mongoengine")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("mongoengine runs from the tree here, it is not installed")
    assert installed.version == mongoengine.get_version()
    requires = [Requirement(r) for r in installed.requires or []]
    needed = [r for r in requires if r.marker is None]
    assert [str(r) for r in needed] == ["pymongo<5,>=4.13"]
    extras = set(installed.metadata.get_all("Provides-Extra") or [])
    assert extras == {"signals", "images", "embedded", "test", "docs", "bench"}


def test_only_pymongo_is_required() -> None:
    required = setup_cfg()["options"]["install_requires"].split()
    assert required == ["pymongo>=4.13,<5"]


def test_types_are_shipped() -> None:
    assert (PACKAGE / "py.typed").is_file()
    assert "py.typed" in setup_cfg()["options.package_data"]["mongoengine"]


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.name)
def test_a_module_imports_only_what_is_required_or_optional(path: pathlib.Path) -> None:
    allowed = {"mongoengine", "pymongo", "bson", "gridfs"} | (OPTIONAL - {"secantus"})
    module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    allowed |= MADE_FOR.get(module, set())
    foreign = imports_of(path) - set(sys.stdlib_module_names) - allowed
    assert not foreign


WITHOUT_OPTIONAL = """
import importlib, pkgutil, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
import mongoengine
for found in pkgutil.walk_packages(mongoengine.__path__, "mongoengine."):
    if found.name.partition(".")[2] not in {made_for}:
        importlib.import_module(found.name)
class Page(mongoengine.Document):
    title = mongoengine.StringField()
    at = mongoengine.DateTimeField()
Page(title="a", at="2026-01-02 03:04:05").validate()
"""


def test_every_module_imports_without_the_optional_packages() -> None:
    program = WITHOUT_OPTIONAL.format(
        blocked=sorted(OPTIONAL.union(NEVER, *MADE_FOR.values())),
        made_for=sorted(MADE_FOR),
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


def test_star_import_gives_what_all_names() -> None:
    names: dict[str, object] = {}
    exec("from mongoengine import *", names)
    assert set(mongoengine.__all__) <= set(names)


def test_importing_starts_no_thread() -> None:
    program = "import threading, mongoengine; print(threading.active_count())"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.stdout.strip() == "1", ran.stderr


def readme() -> str:
    return (ROOT / "README.rst").read_text(encoding="utf-8")


@pytest.mark.parametrize("word", ["quickstart", "pytest"])
def test_readme_has_each_command_on_one_line(word: str) -> None:
    # .ci/run takes the commands from there.
    assert len(re.findall(rf"^    python3 -m venv .*{word}", readme(), re.M)) == 1


def test_changelog_opens_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.rst").read_text(encoding="utf-8")
    first = re.search(r"^(\d\S*)\n=+$", changelog, re.M)
    assert first and first[1] == mongoengine.get_version()


def test_licence_acknowledges_the_mongoengine_project() -> None:
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "MIT License" in licence
    assert "contributors of the MongoEngine\nproject" in licence


def test_nothing_links_the_domain_that_upstream_lost() -> None:
    lost = "mongoengine" + ".org"
    tracked = [
        path
        for pattern in ("*.rst", "LICENSE", "*.py", "*.cfg", "*.toml")
        for folder in (ROOT, ROOT / "docs", PACKAGE, ROOT / "benchmarks")
        for path in (folder.glob(pattern) if folder == ROOT else folder.rglob(pattern))
    ]
    assert len(tracked) > 100
    linking = [path for path in tracked if lost in path.read_text(encoding="utf-8")]
    assert linking == []


def test_metadata_names_an_author_and_places() -> None:
    metadata = setup_cfg()["metadata"]
    assert metadata["author"] == "the maintainers of this distribution"
    assert "https://github.com/MongoEngine/mongoengine" in metadata["project_urls"]


def test_the_source_distribution_has_all_that_it_needs() -> None:
    manifest = (ROOT / "MANIFEST.in").read_text(encoding="utf-8")
    for line in manifest.splitlines():
        command, *patterns = line.split()
        if command in ("include", "graft"):
            for pattern in patterns:
                assert (ROOT / pattern).exists(), pattern
    for name in ("pyproject.toml", "CONTRIBUTING.rst", "SECURITY.rst", "noxfile.py"):
        assert name in manifest
