"""Every example belongs to a row of the table; `nox -s packages` runs them."""

from __future__ import annotations

from .table import EXAMPLES, PACKAGES


def test_every_package_has_an_example_and_every_example_a_package() -> None:
    assert {one.example for one in PACKAGES} == set(EXAMPLES.glob("*_example.py"))
