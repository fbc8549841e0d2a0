"""URLField: schemes and shapes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mongoengine import URLField, ValidationError

from .helpers import failure_of


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "HTTPS://EXAMPLE.COM/path?query=1#part",
        "ftp://a.b.c.museum:8000/",
        "ftps://localhost",
        "http://127.0.0.1:27017/x",
        "http://[::1]:80/",
        "http://with_underscore.com",
        "http://example.com.",
        "http://xn--bcher-kva.ch",
    ],
)
def test_urls(url: str) -> None:
    assert failure_of(URLField(), url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://a",
        "http://-a.com",
        "http://a-.com",
        "http://a.c",
        "http://a.com:port",
        "http://a.com/with space",
        "http://user:password@a.com",
        "http://ä.com",
    ],
)
def test_what_is_no_url(url: str) -> None:
    assert failure_of(URLField(), url) == f"Invalid URL: {url}"


def test_an_unknown_scheme_is_named() -> None:
    failure = failure_of(URLField(), "gopher://a.com")
    assert failure == "Invalid scheme gopher in URL: gopher://a.com"
    assert failure_of(URLField(), "a.com") == "Invalid scheme a.com in URL: a.com"


def test_schemes_of_ones_own() -> None:
    field = URLField(schemes=["ws"])
    assert failure_of(field, "ws://a.com") is None
    assert failure_of(field, "http://a.com") is not None


def test_a_pattern_of_ones_own() -> None:
    field = URLField(url_regex=re.compile("^http://only.this$"))
    assert failure_of(field, "http://only.this") is None
    assert failure_of(field, "http://a.com") == "Invalid URL: http://a.com"


def test_lengths_are_not_looked_at() -> None:
    assert failure_of(URLField(max_length=3), "http://example.com") is None


def test_updates_are_validated() -> None:
    with pytest.raises(ValidationError):
        URLField().prepare_query_value("set", "no url")


@pytest.mark.parametrize("value", [5, None])
def test_what_is_no_text_fails_as_upstream(value: Any) -> None:
    with pytest.raises(AttributeError):
        URLField().validate(value)
