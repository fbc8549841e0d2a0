"""A pytest option: `--strict-references` finds references followed one by one.

`pytest -p mongoengine.pytest_plugin --strict-references` fails tests that follow a
reference where it is read; `--strict-references=warn` warns.
"""

from __future__ import annotations

from typing import Any

from mongoengine.base.strict import set_strict_references

__all__ = ("pytest_addoption", "pytest_configure")


def pytest_addoption(parser: Any) -> None:
    """Add the option."""
    parser.getgroup("mongoengine").addoption(
        "--strict-references",
        nargs="?",
        const="error",
        default=None,
        choices=("error", "warn", "off"),
        help="raise (or warn) where a reference is followed because it was read",
    )


def pytest_configure(config: Any) -> None:
    """Set the mode that was asked for."""
    mode = config.getoption("--strict-references", default=None)
    if mode is not None:
        set_strict_references(mode)
