"""Fields that hold dates and times."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timezone
from functools import cache
from typing import TYPE_CHECKING, Any, overload

from mongoengine.base.field import BaseField
from mongoengine.base.types import OrNone
from mongoengine.fields.text import StringField

if TYPE_CHECKING:
    from typing_extensions import Never, Self

    from mongoengine.base.types import Default, Yes

__all__ = ("ComplexDateTimeField", "DateField", "DateTimeField")

#: What `datetime.fromisoformat` reads as python-dateutil does, and much faster.
_ISO = re.compile(
    "[12][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{6})?"
)

_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


@cache
def _parser() -> Callable[[str], datetime | None]:
    """Return the parser of text; python-dateutil takes long to import."""
    try:
        from dateutil import parser
    except ImportError:
        return _parse_plainly
    parse: Callable[[str], datetime] = parser.parse

    def parse_quickly(text: str) -> datetime:
        if _ISO.fullmatch(text):
            with suppress(ValueError):
                return datetime.fromisoformat(text)
        return parse(text)

    return parse_quickly


class DateTimeField(BaseField[datetime, date | str, OrNone]):
    """A field for a point in time, stored as a BSON date: to the millisecond, in UTC.

    Text is parsed by python-dateutil where that is installed; without it as
    ``YYYY-MM-DD[ HH:MM[:SS[.microseconds]]]``.
    """

    _is_pure = True

    _load_as = frozenset({datetime})
    _dump_as = frozenset({datetime})
    _valid_types = frozenset({datetime, date})

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: DateTimeField[Never],
            db_field: str | None = None,
            *,
            required: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: DateTimeField[Never],
            db_field: str | None = None,
            *,
            primary_key: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: DateTimeField[Never],
            db_field: str | None = None,
            *,
            default: Default[date | str],
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: DateTimeField[None],
            db_field: str | None = None,
            **options: object,
        ) -> None: ...
        def __init__(self, *args: object, **options: object) -> None: ...

    def validate(self, value: Any, clean: bool = True) -> None:
        """Check that the value is, or can be parsed as, a date."""
        if not isinstance(self.to_mongo(value), (datetime, date)):
            self.error('cannot parse date "%s"' % value)  # noqa: UP031

    def to_mongo(self, value: Any) -> Any:
        """A `datetime`; None where nothing can be made of the value."""
        if value is None or isinstance(value, datetime):
            return value
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day)
        if callable(value):
            return value()
        if isinstance(value, str):
            return self._parse_datetime(value)
        return None

    @staticmethod
    def _parse_datetime(value: str) -> datetime | None:
        value = value.strip()
        if not value:
            return None
        try:
            return _parser()(value)
        except (TypeError, ValueError, OverflowError):
            return None

    def prepare_query_value(self, op: str | None, value: Any) -> Any:
        """The value as it is stored."""
        return super().prepare_query_value(op, self.to_mongo(value))


def _parse_plainly(value: str) -> datetime | None:
    """Parse ``2020-01-02[ 03:04[:05[.123456]]]``, or return None."""
    moment, point, fraction = value.partition(".")
    try:
        microseconds = int(fraction) if point else 0
    except ValueError:
        return None
    for form in _FORMATS:
        with suppress(ValueError):
            return datetime.strptime(moment, form).replace(microsecond=microseconds)
    return None


if TYPE_CHECKING:

    class _DateTimeField(BaseField[date, date | str, OrNone]):
        """The base of `DateField`, whose values are of another type."""

    class _StringField(BaseField[datetime, datetime | str, OrNone]):
        """The base of `ComplexDateTimeField`, whose values are of another type."""

else:
    _DateTimeField, _StringField = DateTimeField, StringField


class DateField(_DateTimeField[OrNone]):
    """A field for a day, stored as a BSON date at midnight."""

    _load_as = frozenset({date})
    _dump_as = frozenset()

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: DateField[Never],
            db_field: str | None = None,
            *,
            required: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: DateField[Never],
            db_field: str | None = None,
            *,
            primary_key: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: DateField[Never],
            db_field: str | None = None,
            *,
            default: Default[date | str],
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: DateField[None],
            db_field: str | None = None,
            **options: object,
        ) -> None: ...
        def __init__(self, *args: object, **options: object) -> None: ...

    def to_mongo(self, value: Any) -> Any:
        """A `datetime` at midnight of the day."""
        value = super().to_mongo(value)
        if isinstance(value, datetime):
            return datetime(value.year, value.month, value.day)
        return value

    def to_python(self, value: Any) -> Any:
        """The day as a `date`; what is no date and time stays as it is."""
        value = super().to_python(value)
        if isinstance(value, datetime):
            return date(value.year, value.month, value.day)
        return value


class ComplexDateTimeField(_StringField[OrNone]):
    """A field for a time to the microsecond, stored as text that sorts by time.

    The text has year, month, day, hour, minute, second and microsecond, joined by
    the separator.  It has no room for a time zone: a value with one is converted to
    UTC, as in a :class:`DateTimeField`; a value without one is stored as it is.

    :param separator: what stands between the numbers.
    """

    _load_as = frozenset()
    _dump_as = frozenset()
    _valid_types = frozenset({datetime})

    @overload
    def __init__(
        self: ComplexDateTimeField[Never],
        separator: str = ",",
        *,
        required: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: ComplexDateTimeField[Never],
        separator: str = ",",
        *,
        primary_key: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: ComplexDateTimeField[Never],
        separator: str = ",",
        *,
        default: Default[datetime | str],
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: ComplexDateTimeField[None],
        separator: str = ",",
        **options: object,
    ) -> None: ...
    def __init__(self, separator: str = ",", **kwargs: Any) -> None:
        self.separator = separator
        self.format = separator.join(["%Y", "%m", "%d", "%H", "%M", "%S", "%f"])
        super().__init__(**kwargs)
        self._set_when_made = self.default is not None

    def _convert_from_datetime(self, val: datetime) -> str:
        if getattr(val, "tzinfo", None) is not None:
            val = val.astimezone(timezone.utc)
        return val.strftime(self.format)

    def _convert_from_string(self, data: str) -> datetime:
        numbers: list[Any] = [int(number) for number in data.split(self.separator)]
        return datetime(*numbers)

    @overload
    def __get__(self, instance: None, owner: object) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: object) -> datetime | OrNone: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self
        value = self._read(instance)
        if value is None or isinstance(value, datetime):
            return value
        return self._convert_from_string(value)

    def __set__(self, instance: Any, value: datetime | str | None) -> None:
        super().__set__(instance, value)
        value = self._read(instance)
        if isinstance(value, datetime):
            instance._put(self.name, self._convert_from_datetime(value))

    def validate(self, value: Any, clean: bool = True) -> None:
        """Check that the value is a `datetime`, or text in the field's format."""
        if not isinstance(self.to_python(value), datetime):
            self.error("Only datetime objects may used in a ComplexDateTimeField")

    def _is_unconstrained(self) -> bool:
        return True

    def to_python(self, value: Any) -> Any:
        """A `datetime`; what is not in the field's format stays as it is."""
        with suppress(Exception):
            return self._convert_from_string(value)
        return value

    def _from_raw(self, value: object) -> Any:
        # A document holds the text; reading the field makes a datetime of it.
        value = self.to_python(value)
        if isinstance(value, datetime):
            return self._convert_from_datetime(value)
        return value

    def to_mongo(self, value: Any) -> Any:
        """The text that is stored."""
        return self._convert_from_datetime(self.to_python(value))

    def prepare_query_value(self, op: str | None, value: Any) -> Any:
        """The text that is stored; a pattern for a string operator."""
        if value is None:
            return value
        return super().prepare_query_value(op, self._convert_from_datetime(value))
