"""EmailField: the part before the @, the domain, and what may widen them."""

from __future__ import annotations

import pytest

from mongoengine import EmailField

from .helpers import failure_of


@pytest.mark.parametrize(
    "address",
    [
        "ross@example.com",
        "first.last+tag@sub.example.co",
        "!#$%&'*+/=?^_`{}|~-@example.com",
        '"quoted"@example.com',
        "a@日本.jp",
        "a@xn--bcher-kva.ch",
        "ROOT@DOMAIN.COM",
    ],
)
def test_addresses(address: str) -> None:
    assert failure_of(EmailField(), address) is None


@pytest.mark.parametrize(
    "address", ["", "a", "@d.com", "a..b@d.com", ".a@d.com", "a b@d.com", "é@d.com"]
)
def test_a_bad_user_part(address: str) -> None:
    assert failure_of(EmailField(), address) == f"Invalid email address: {address}"


@pytest.mark.parametrize(
    "address", ["a@b", "a@localhost", "a@-b.com", "a@b.c", "a@b.com.", "a@127.0.0.1"]
)
def test_a_bad_domain(address: str) -> None:
    message = f"Invalid email address: {address} (domain validation failed)"
    assert failure_of(EmailField(), address) == message


def test_a_domain_that_cannot_be_encoded() -> None:
    message = "Invalid email address: a@b..com (domain failed IDN encoding)"
    assert failure_of(EmailField(), "a@b..com") == message


def test_whitelisted_domains_are_accepted_unseen() -> None:
    field = EmailField(domain_whitelist=["localhost"])
    assert failure_of(field, "a@localhost") is None
    assert failure_of(field, "a@other") is not None


def test_letters_beyond_ascii_before_the_at() -> None:
    field = EmailField(allow_utf8_user=True)
    assert failure_of(field, "日本.é@d.com") is None
    assert failure_of(field, "é é@d.com") is not None


@pytest.mark.parametrize("address", ["a@[127.0.0.1]", "a@[::1]"])
def test_ip_addresses_as_domains(address: str) -> None:
    assert failure_of(EmailField(allow_ip_domain=True), address) is None
    assert failure_of(EmailField(), address) is not None


def test_what_is_no_ip_address() -> None:
    field = EmailField(allow_ip_domain=True)
    assert failure_of(field, "a@[300.1.1.1]") is not None


def test_string_options_apply() -> None:
    assert failure_of(EmailField(max_length=5), "a@b.com") == "String value is too long"
    assert failure_of(EmailField(), 5) == "StringField only accepts string values"


def test_the_parts_can_be_checked_alone() -> None:
    field = EmailField()
    assert field.validate_user_part("a.b")
    assert not field.validate_user_part("a b")
    assert field.validate_domain_part("example.com") is True
    assert field.validate_domain_part("example") is False
