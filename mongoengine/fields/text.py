"""Fields that hold text."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, overload

from mongoengine.base.codec import Limits, Proof, limited
from mongoengine.base.field import BaseField
from mongoengine.base.overrides import still_true
from mongoengine.base.types import OrNone, PassedOn, PythonValue, RawValue
from mongoengine.base.utils import LazyRegexCompiler

if TYPE_CHECKING:
    from typing_extensions import Never

    from mongoengine.base.types import Default, Yes

__all__ = ("EmailField", "StringField", "URLField")

#: What a string operator makes of the text that it looks for.
_QUERY_PATTERNS = {
    "exact": "^{}$",
    "contains": "{}",
    "startswith": "^{}",
    "endswith": "{}$",
    "wholeword": r"\b{}\b",
    "regex": None,
}
#: The test of the length of a text, as source.
_IN_LENGTH = (
    "({field}.max_length is None or len({value}) <= {field}.max_length) and "
    "({field}.min_length is None or len({value}) >= {field}.min_length)"
)
_STRING_OPERATORS = {
    prefix + operator: (pattern, flags)
    for operator, pattern in _QUERY_PATTERNS.items()
    for prefix, flags in (("", re.RegexFlag(0)), ("i", re.IGNORECASE))
}


class StringField(BaseField[str, str, OrNone]):
    """A field for text, stored as a BSON string.

    :param regex: a pattern (text or compiled) that the beginning of a value has
        to match.
    :param max_length: the most characters that a value may have.
    :param min_length: the fewest characters that a value may have.
    """

    _is_pure = True

    _load_as = frozenset({str})
    _dump_as = frozenset({str})
    _valid_types = frozenset({str})

    @overload
    def __init__(
        self: StringField[Never],
        regex: str | re.Pattern[str] | None = None,
        max_length: int | None = None,
        min_length: int | None = None,
        *,
        required: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: StringField[Never],
        regex: str | re.Pattern[str] | None = None,
        max_length: int | None = None,
        min_length: int | None = None,
        *,
        primary_key: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: StringField[Never],
        regex: str | re.Pattern[str] | None = None,
        max_length: int | None = None,
        min_length: int | None = None,
        *,
        default: Default[str],
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: StringField[None],
        regex: str | re.Pattern[str] | None = None,
        max_length: int | None = None,
        min_length: int | None = None,
        **options: object,
    ) -> None: ...
    def __init__(
        self,
        regex: str | re.Pattern[str] | None = None,
        max_length: int | None = None,
        min_length: int | None = None,
        **kwargs: PassedOn,
    ) -> None:
        self.regex = re.compile(regex) if regex else None
        self.max_length = max_length
        self.min_length = min_length
        super().__init__(**kwargs)

    def to_python(self, value: RawValue) -> PythonValue:
        """Return text as it is; decode bytes where they are UTF-8."""
        if not isinstance(value, str):
            with suppress(AttributeError, UnicodeDecodeError):
                return value.decode("utf-8")
        return value

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check the type, the length and the regex."""
        if not isinstance(value, str):
            self.error("StringField only accepts string values")
        if problem := self._problem_of(value):
            self.error(problem)

    def _problem_of(self, text: str) -> str | None:
        longest, shortest = self.max_length, self.min_length
        if longest is not None and len(text) > longest:
            return "String value is too long"
        if shortest is not None and len(text) < shortest:
            return "String value is too short"
        if self.regex is not None and not self.regex.match(text):
            return "String value did not match validation regex"
        return None

    def _raw_validator(self) -> Proof | None:
        otherwise = self._passing_validation()
        own_checks = not still_true(type(self), "_raw_validator", "validate")
        if self.choices or self.regex is not None or own_checks or otherwise is None:
            return super()._raw_validator()

        def valid(raw: RawValue) -> bool:
            if raw.__class__ is not str:
                return otherwise(raw)
            longest, shortest = self.max_length, self.min_length
            return (longest is None or len(raw) <= longest) and (
                shortest is None or len(raw) >= shortest
            )

        return limited(valid, Limits(_IN_LENGTH, self, frozenset({str})))

    def _is_unconstrained(self) -> bool:
        asked_for = (self.max_length, self.min_length, self.regex)
        return all(limit is None for limit in asked_for)

    def lookup_member(self, member_name: str) -> None:
        """Return None for every name: a string has no members."""

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
        """Return the value of a query; a compiled pattern for a string operator."""
        if not isinstance(op, str):
            return value
        if op in _STRING_OPERATORS:
            pattern, flags = _STRING_OPERATORS[op]
            if pattern is None:
                value = re.compile(value, flags)
            else:
                value = re.compile(pattern.format(re.escape(value)), flags)
        return super().prepare_query_value(op, value)


_LABEL = "[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_URL = rf"""
    ^ [a-z0-9.-]* ://
    (?:
        (?: {_LABEL} \. )+ (?: [a-z]{{2,6}} | [a-z0-9-]{{2,}}(?<!-) ) \.?
      | localhost
      | \d{{1,3}} (?: \. \d{{1,3}} ){{3}}
      | \[? [a-f0-9]* : [a-f0-9:]+ \]?
    )
    (?: : \d+ )?
    (?: /? | [/?] \S+ ) $
"""


class URLField(StringField[OrNone]):
    """A field for a URL.

    :param url_regex: a compiled pattern to match instead of the usual one.
    :param schemes: the schemes that are allowed, in lower case; ``http``,
        ``https``, ``ftp`` and ``ftps`` where none are given.
    """

    _URL_REGEX = LazyRegexCompiler(_URL, re.IGNORECASE | re.VERBOSE)
    _URL_SCHEMES = ["http", "https", "ftp", "ftps"]

    @overload
    def __init__(
        self: URLField[Never],
        url_regex: re.Pattern[str] | None = None,
        schemes: Sequence[str] | None = None,
        *,
        required: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: URLField[Never],
        url_regex: re.Pattern[str] | None = None,
        schemes: Sequence[str] | None = None,
        *,
        primary_key: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: URLField[Never],
        url_regex: re.Pattern[str] | None = None,
        schemes: Sequence[str] | None = None,
        *,
        default: Default[str],
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: URLField[None],
        url_regex: re.Pattern[str] | None = None,
        schemes: Sequence[str] | None = None,
        **options: object,
    ) -> None: ...
    def __init__(
        self,
        url_regex: re.Pattern[str] | None = None,
        schemes: Sequence[str] | None = None,
        **kwargs: PassedOn,
    ) -> None:
        self.url_regex = url_regex or self._URL_REGEX
        self.schemes = schemes or self._URL_SCHEMES
        super().__init__(**kwargs)

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check the scheme and the shape; lengths and `regex` are not looked at."""
        scheme = value.split("://")[0].lower()
        if scheme not in self.schemes:
            self.error(f"Invalid scheme {scheme} in URL: {value}")
        if not self.url_regex.match(value):
            self.error(f"Invalid URL: {value}")

    def _is_unconstrained(self) -> bool:
        return False


_ATOM = "-a-z0-9!#$%&'*+/=?^_`{|}~"
_QUOTED = (
    r'"(?:[\x01-\x08\x0b\x0c\x0e-\x1f!#-\[\]-\x7f]'
    r'|\\[\x01-\x09\x0b\x0c\x0e-\x7f])*"'
)


def _user_pattern(atom: str) -> LazyRegexCompiler:
    dotted = rf"[{atom}]+(?:\.[{atom}]+)*"
    return LazyRegexCompiler(rf"(?:{dotted}|{_QUOTED})\Z", re.IGNORECASE)


class EmailField(StringField[OrNone]):
    """A field for an e-mail address.

    :param domain_whitelist: domains that are accepted unseen (``["localhost"]``).
    :param allow_utf8_user: accept letters beyond ASCII before the ``@`` (RFC 6531).
    :param allow_ip_domain: accept an address in brackets as the domain.
    """

    USER_REGEX = _user_pattern(_ATOM)
    UTF8_USER_REGEX = _user_pattern(_ATOM + "\x80-\U0010ffff")
    DOMAIN_REGEX = LazyRegexCompiler(
        r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}(?<!-)\Z",
        re.IGNORECASE,
    )
    error_msg = "Invalid email address: %s"

    @overload
    def __init__(
        self: EmailField[Never],
        domain_whitelist: Sequence[str] | None = None,
        allow_utf8_user: bool = False,
        allow_ip_domain: bool = False,
        *args: object,
        required: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: EmailField[Never],
        domain_whitelist: Sequence[str] | None = None,
        allow_utf8_user: bool = False,
        allow_ip_domain: bool = False,
        *args: object,
        primary_key: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: EmailField[Never],
        domain_whitelist: Sequence[str] | None = None,
        allow_utf8_user: bool = False,
        allow_ip_domain: bool = False,
        *args: object,
        default: Default[str],
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: EmailField[None],
        domain_whitelist: Sequence[str] | None = None,
        allow_utf8_user: bool = False,
        allow_ip_domain: bool = False,
        *args: object,
        **options: object,
    ) -> None: ...
    def __init__(
        self,
        domain_whitelist: Sequence[str] | None = None,
        allow_utf8_user: bool = False,
        allow_ip_domain: bool = False,
        *args: PassedOn,
        **kwargs: PassedOn,
    ) -> None:
        self.domain_whitelist = domain_whitelist or []
        self.allow_utf8_user = allow_utf8_user
        self.allow_ip_domain = allow_ip_domain
        super().__init__(*args, **kwargs)

    def validate_user_part(self, user_part: str) -> re.Match[str] | None:
        """Return the match of what stands before the ``@``, or None."""
        if self.allow_utf8_user:
            return self.UTF8_USER_REGEX.match(user_part)
        return self.USER_REGEX.match(user_part)

    def validate_domain_part(self, domain_part: str) -> bool:
        """Return whether what stands after the ``@`` is a domain (in ASCII)."""
        if domain_part in self.domain_whitelist:
            return True
        if self.DOMAIN_REGEX.match(domain_part):
            return True
        if self.allow_ip_domain and domain_part[0] + domain_part[-1] == "[]":
            return _is_ip_address(domain_part[1:-1])
        return False

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check the text, then the part before the ``@`` and the domain."""
        super().validate(value)
        message = self.error_msg % value
        user_part, at, domain_part = value.rpartition("@")
        if not at or not self.validate_user_part(user_part):
            self.error(message)
        if self.validate_domain_part(domain_part):
            return
        try:
            encoded = domain_part.encode("idna").decode("ascii")
        except UnicodeError:
            self.error(f"{message} (domain failed IDN encoding)")
        if not self.validate_domain_part(encoded):
            self.error(f"{message} (domain validation failed)")

    def _is_unconstrained(self) -> bool:
        return False


def _is_ip_address(text: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError, UnicodeEncodeError):
            socket.inet_pton(family, text)
            return True
    return False
