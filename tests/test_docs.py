"""The documentation does what it says: every Python block in it is run.

The blocks of a page run in order, in one process with one embedded server.  A
`.. code-block:: text` that stands right after a Python block is what that block
prints.
"""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import pathlib
import re
import runpy
import subprocess
import sys
from dataclasses import dataclass, field

import pytest
from docutils import nodes
from docutils.core import publish_doctree

import mongoengine

ROOT = pathlib.Path(__file__).parent.parent
DOCS = ROOT / "docs"
FOLDERS = ["tutorial", "howto", "explanation", "reference"]
PAGES = [
    ROOT / "README.rst",
    DOCS / "index.rst",
    *(page for folder in FOLDERS for page in sorted((DOCS / folder).glob("*.rst"))),
]
SECONDS = 280

SPHINX_DIRECTIVE = re.compile(
    r"^\.\. (toctree|currentmodule|literalinclude|auto\w+)::.*\n( +.*\n|\n(?= ))*", re.M
)
ROLE = re.compile(r":(?:doc|ref|class|meth|func|attr|exc|mod):`([^`]*)`")
DIRECTIVE = re.compile(r"^\.\. code-block:: (\w+)$")


def name_of(path: pathlib.Path) -> str:
    """Return the path of a page from the folder of the documentation."""
    return str(path.relative_to(DOCS if DOCS in path.parents else ROOT))


@dataclass
class Block:
    """A code block: its first line in the page, its source, what it prints."""

    line: int
    source: str
    prints: str | None = None


@dataclass
class Page:
    blocks: list[Block] = field(default_factory=list)
    languages: set[str] = field(default_factory=set)


def read(path: pathlib.Path) -> Page:
    page = Page()
    lines = path.read_text(encoding="utf-8").splitlines()
    number = 0
    after_python = False
    while number < len(lines):
        directive = DIRECTIVE.match(lines[number])
        if not directive:
            after_python = after_python and not lines[number].strip()
            number += 1
            continue
        language = directive[1]
        page.languages.add(language)
        start = number = number + 2
        while number < len(lines) and (not lines[number] or lines[number][0] == " "):
            number += 1
        body = "\n".join(line[4:] for line in lines[start:number]).rstrip() + "\n"
        if language == "python":
            page.blocks.append(Block(start + 1, body))
        elif language == "text" and after_python:
            page.blocks[-1].prints = body
        after_python = language == "python"
    return page


def run(
    path: pathlib.Path, blocks: list[Block], errors: str = "error::RuntimeWarning"
) -> list[str]:
    """Return what each block printed; warnings that `errors` selects are errors."""
    command = [sys.executable, "-W", errors, "-m", "tests.docs_runner"]
    ran = subprocess.run(
        [*command, str(path.relative_to(ROOT))],
        input=json.dumps([[block.line, block.source] for block in blocks]),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
        timeout=SECONDS,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr, ran.stderr
    return [json.loads(line)["printed"] for line in ran.stdout.splitlines()]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_block_of_a_page_runs_and_prints_what_the_page_says(
    path: pathlib.Path,
) -> None:
    page = read(path)
    if not page.blocks:
        return
    printed = run(path, page.blocks)
    assert len(printed) == len(page.blocks)
    for block, output in zip(page.blocks, printed, strict=True):
        if block.prints is not None:
            assert output == block.prints, f"{path.name}, block at line {block.line}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        ROOT / "README.rst",
        DOCS / "index.rst",
        DOCS / "tutorial" / "getting_started.rst",
    ],
    ids=name_of,
)
def test_the_first_programs_of_a_reader_print_no_warnings(path: pathlib.Path) -> None:
    run(path, [*read(path).blocks, Block(1000, TO_JSON)], "error")


TO_JSON = """
from mongoengine import Document, StringField, connect

connect("quiet", host="embedded://", alias="quiet", uuidRepresentation="standard")

class Quiet(Document):
    text = StringField()
    meta = {"db_alias": "quiet"}

Quiet(text="a").save()
assert Quiet.from_json(Quiet.objects.first().to_json()).text == "a"
Quiet.objects.to_json()
"""


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_no_block_hides_code_in_another_language(path: pathlib.Path) -> None:
    assert read(path).languages <= {"python", "text", "console"}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_page_is_sound_restructuredtext(path: pathlib.Path) -> None:
    assert warnings_of(path) == ""


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_no_row_of_a_table_is_broken_in_two(path: pathlib.Path) -> None:
    cells = [
        [cell.astext().strip() for cell in row.findall(nodes.entry)]
        for row in parsed(path)[0].findall(nodes.row)
    ]
    broken = [row for row in cells if "" in row or any(c.endswith(",") for c in row)]
    assert broken == [], "in simple tables, each text in the first column is a row"


def warnings_of(path: pathlib.Path) -> str:
    """Return docutils' warnings about a page, without Sphinx's own markup."""
    return parsed(path)[1]


def parsed(path: pathlib.Path) -> tuple[nodes.document, str]:
    """Return a page and the warnings about it."""
    text = path.read_text(encoding="utf-8")
    text = SPHINX_DIRECTIVE.sub("", text)
    # As many characters as before: columns of tables stay where they are.
    text = ROLE.sub(lambda role: f"``{role[1]}``".ljust(len(role[0])), text)
    heard = io.StringIO()
    tree = publish_doctree(
        text,
        source_path=str(path),
        settings_overrides={"warning_stream": heard, "report_level": 2},
    )
    return tree, heard.getvalue()


@pytest.mark.slow
def test_the_example_tells_its_story() -> None:
    ran = subprocess.run(
        [sys.executable, DOCS / "code" / "quickstart.py"],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=SECONDS,
    )
    assert ran.returncode == 0, ran.stderr
    for part in (
        "saved two authors: Ada and Grace",
        "inserted 3 posts",
        "'A compiler' by Grace has 1 comment",
        "refused: a second author called Ada",
        "there are 4 posts now",
        "'Just a hobby' was written by Linus",
        "  machines: 3",
        "without Linus there are 3 posts",
    ):
        assert part in ran.stdout
    assert ran.stderr == ""


@pytest.mark.slow
def test_the_tests_of_the_tutorial_pass() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        capture_output=True,
        text=True,
        cwd=DOCS / "code" / "links",
        env={**environment(), "PYTEST_PLUGINS": plugin()},
        timeout=SECONDS,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "6 passed" in ran.stdout
    assert "warning" not in ran.stdout


def plugin() -> str:
    """Return the module of the pytest plugin, if it is not installed."""
    found = importlib.metadata.entry_points(group="pytest11", name="mongoengine")
    return "" if found else "mongoengine.pytest_plugin"


def test_the_reference_names_everything_public() -> None:
    reference = sorted((DOCS / "reference").glob("*.rst"))
    words = set(
        re.findall(r"\w+", "".join(p.read_text(encoding="utf-8") for p in reference))
    )
    assert set(mongoengine.__all__) - words == set()


def test_the_tables_of_operators_are_what_the_library_does() -> None:
    operators = runpy.run_path(str(DOCS / "_tables" / "operators.py"))
    for name, text in operators["tables"]().items():
        written = (DOCS / "_tables" / name).read_text(encoding="utf-8")
        assert written == text, "run: python docs/_tables/operators.py"


def test_the_pictures_are_those_that_the_program_draws() -> None:
    for name, draw in runpy.run_path(str(DOCS / "_static" / "pictures.py"))[
        "PICTURES"
    ].items():
        drawn = (DOCS / "_static" / f"{name}.svg").read_text(encoding="utf-8")
        assert drawn == draw().text(), "run: python docs/_static/pictures.py"


def test_the_charts_are_those_of_the_recorded_figures() -> None:
    command = [sys.executable, "benchmarks/charts.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_of_meta_has_every_key_that_the_library_reads() -> None:
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "mongoengine").rglob("*.py")
    )
    read_by_name = re.findall(r'\bmeta(?:\.get\(|\[|\.pop\()"(\w+)"', source)
    page = (DOCS / "reference" / "meta.rst").read_text(encoding="utf-8")
    keys = {*read_by_name, *mongoengine.Document._meta}
    assert {key for key in keys if f"``{key}``" not in page} == set()


def test_the_page_of_fields_has_every_field_with_an_example() -> None:
    page = (DOCS / "reference" / "fields.rst").read_text(encoding="utf-8")
    documented = re.findall(
        r"^\.\. autoclass:: (\w+)\n\n\.\. code-block:: python\n\n((?: .*\n|\n)+)",
        page,
        re.M,
    )
    assert all(name in example for name, example in documented)
    exported = {name for name in mongoengine.fields.__all__ if name.endswith("Field")}
    assert exported - {name for name, _ in documented} == set()


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_index_of_a_folder_leads_to_every_page(folder: str) -> None:
    index = (DOCS / folder / "index.rst").read_text(encoding="utf-8")
    pages = {path.stem for path in (DOCS / folder).glob("*.rst")} - {"index"}
    listed = re.findall(r"^   (\w+)$", index, re.M)
    assert sorted(listed) == sorted(pages)


def test_the_first_page_leads_to_every_folder() -> None:
    index = (DOCS / "index.rst").read_text(encoding="utf-8")
    assert re.findall(r"^   (\w+)/index$", index, re.M) == FOLDERS
    assert [path.name for path in DOCS.glob("*.rst")] == ["index.rst"]


@pytest.mark.slow
def test_the_search_finds_a_page_for_each_word_of_a_reader(
    tmp_path: pathlib.Path,
) -> None:
    pytest.importorskip("sphinx", reason="`nox -s docs` has Sphinx, and searches too")
    # Without the configuration: titles need no docstrings, which take most of the time.
    options = ["-C", "-Q", "-D", "default_role=code", "-D", "html_theme=basic"]
    build = [sys.executable, "-m", "sphinx", *options, str(DOCS), str(tmp_path)]
    subprocess.run(build, check=True, timeout=SECONDS)
    script = runpy.run_path(str(DOCS / "search_words.py"))
    assert script["not_found"](tmp_path) == []
    assert (
        script["pages_of"]("no such word", {"docnames": ["a"], "titleterms": {}})
        == set()
    )


def test_every_name_for_pull_request_2891_exists() -> None:
    page = DOCS / "howto" / "from_pull_request_2891.rst"
    table = page.read_text(encoding="utf-8").partition("\nNames\n")[2]
    owners = [
        mongoengine,
        mongoengine.context_managers,
        mongoengine.Document,
        mongoengine.QuerySet,
        mongoengine.ReferenceField,
        mongoengine.FileField,
        mongoengine.GridFSProxy,
        mongoengine.base.LazyReference,
    ]
    names = set(re.findall(r"\b(?:\w+_)?async_\w+|\b\w+_async\b", table))
    assert len(names) > 10
    assert {n for n in names if not any(hasattr(o, n) for o in owners)} == set()
