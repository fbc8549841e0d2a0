"""Fields that hold dates and times."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timezone
from functools import cache
from typing import TYPE_CHECKING, overload

from mongoengine.base.field import BaseField
from mongoengine.base.sentinels import MISSING
from mongoengine.base.stamps import Moment, Stamp, note_stamp
from mongoengine.base.types import Instance, OrNone, PassedOn, PythonValue, RawValue
from mongoengine.errors import InvalidQueryError
from mongoengine.fields.text import StringField

if TYPE_CHECKING:
    from typing_extensions import Never, Self

    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.base.types import Default, Yes

__all__ = ("ComplexDateTimeField", "DateField", "DateTimeField")

#: What `datetime.fromisoformat` reads as python-dateutil does, and much faster.
_ISO = "[12][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{6})?"

_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


@cache
def _parser() -> Callable[[str], datetime | None]:
    """Return the parser of text; python-dateutil takes long to import."""
    try:
        from dateutil import parser
    except ImportError:
        return _parse_plainly
    parse: Callable[[str], datetime] = parser.parse
    iso = re.compile(_ISO)

    def parse_quickly(text: str) -> datetime:
        if iso.fullmatch(text):
            with suppress(ValueError):
                return datetime.fromisoformat(text)
        return parse(text)

    return parse_quickly


#: The operands of `$currentDate`, by what `current_date__field=` takes.
_CURRENT_DATE: dict[object, bool | dict[str, str]] = {
    True: True,
    "date": {"$type": "date"},
    "timestamp": {"$type": "timestamp"},
}


def current_date(field: BaseField, value: object) -> bool | dict[str, str]:
    """Return the operand of `$currentDate` for a field.

    :raises InvalidQueryError: if the operator does not take the value
    """
    type_name = value.get("$type") if isinstance(value, dict) else value
    operand = None
    if isinstance(type_name, (bool, str)):
        operand = _CURRENT_DATE.get(type_name)
    if operand is None:
        raise InvalidQueryError(
            f'current_date of "{field.name}" takes True, "date" or "timestamp", '
            f"not {value!r}"
        )
    return operand


def client_time(field: BaseField, value: object) -> Moment:
    """Return the time for a field that does not store the dates of `$currentDate`.

    :raises InvalidQueryError: if a timestamp is asked for
    """
    if current_date(field, value) == {"$type": "timestamp"}:
        raise InvalidQueryError(
            f'{type(field).__name__} "{field.name}" does not store BSON timestamps'
        )
    return Moment()


class TimeStamp(Stamp):
    """The time of a change, or of the insertion of a document."""

    __slots__ = ()

    def for_insert(self, value: PythonValue, moment: Moment) -> RawValue:
        if self.field.auto_now or value is None:
            return self.field._at(moment)
        return MISSING

    def for_update(self, value: PythonValue, moment: Moment) -> RawValue:
        return self.field._at(moment) if self.field.auto_now else MISSING

    def change(self, moment: Moment) -> tuple[str, PythonValue] | None:
        if not self.field.auto_now:
            return None
        return "$set", self.stored_on_insert(moment)

    def stored_on_insert(self, moment: Moment) -> RawValue:
        return self.field.to_mongo(self.field._at(moment))


class _Stamping:
    """The part of a field of times that stores the time of a write by itself."""

    auto_now: bool = False
    auto_now_add: bool = False

    def _attach(self, cls: type[StoredDocument], name: str) -> None:
        super()._attach(cls, name)  # type: ignore[misc]
        if self._stamp() is not None:
            note_stamp(f"{cls.__name__}.{name}")

    def _stamp(self) -> Stamp | None:
        return TimeStamp(self) if self.auto_now or self.auto_now_add else None


class DateTimeField(_Stamping, BaseField[datetime, date | str, OrNone]):
    """A field for a point in time, stored as a BSON date: to the millisecond, in UTC.

    Text is parsed by python-dateutil where that is installed; without it as
    ``YYYY-MM-DD[ HH:MM[:SS[.microseconds]]]``.

    :param auto_now_add: store the time at which the document is inserted, unless it
        has a value.
    :param auto_now: store the time of each write that changes the document.
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
            auto_now: bool = False,
            auto_now_add: bool = False,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: DateTimeField[Never],
            db_field: str | None = None,
            *,
            primary_key: Yes,
            auto_now: bool = False,
            auto_now_add: bool = False,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: DateTimeField[Never],
            db_field: str | None = None,
            *,
            default: Default[date | str],
            auto_now: bool = False,
            auto_now_add: bool = False,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: DateTimeField[None],
            db_field: str | None = None,
            *,
            auto_now: bool = False,
            auto_now_add: bool = False,
            **options: object,
        ) -> None: ...
        def __init__(self, *args: object, **options: object) -> None: ...

    else:

        def __init__(
            self,
            *args: PassedOn,
            auto_now: bool = False,
            auto_now_add: bool = False,
            **options: PassedOn,
        ) -> None:
            super().__init__(*args, **options)
            self.auto_now, self.auto_now_add = auto_now, auto_now_add

    def _at(self, moment: Moment) -> datetime:
        """Return the value for the time of a write."""
        return moment.now

    def _current_date(self, value: object) -> tuple[str, PythonValue]:
        return "$currentDate", current_date(self, value)

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check that the value is, or can be parsed as, a date."""
        if not isinstance(self.to_mongo(value), (datetime, date)):
            self.error('cannot parse date "%s"' % value)  # noqa: UP031

    def to_mongo(self, value: PythonValue) -> RawValue:
        """Return a `datetime`; None where nothing can be made of the value."""
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

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
        """Return the value as it is stored."""
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

    class _DateTimeField(_Stamping, BaseField[date, date | str, OrNone]):
        """The base of `DateField`, whose values are of another type."""

    class _StringField(BaseField[datetime, datetime | str, OrNone]):
        """The base of `ComplexDateTimeField`, whose values are of another type."""

else:
    _DateTimeField, _StringField = DateTimeField, StringField


class DateField(_DateTimeField[OrNone]):
    """A field for a day, stored as a BSON date at midnight.

    :param auto_now_add: store the day, in UTC, on which the document is inserted,
        unless it has a value.
    :param auto_now: store the day of each write that changes the document.
    """

    _load_as = frozenset({date})
    _dump_as = frozenset()
    _loads_scalars = frozenset({datetime})

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: DateField[Never],
            db_field: str | None = None,
            *,
            required: Yes,
            auto_now: bool = False,
            auto_now_add: bool = False,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: DateField[Never],
            db_field: str | None = None,
            *,
            primary_key: Yes,
            auto_now: bool = False,
            auto_now_add: bool = False,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: DateField[Never],
            db_field: str | None = None,
            *,
            default: Default[date | str],
            auto_now: bool = False,
            auto_now_add: bool = False,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: DateField[None],
            db_field: str | None = None,
            *,
            auto_now: bool = False,
            auto_now_add: bool = False,
            **options: object,
        ) -> None: ...
        def __init__(self, *args: object, **options: object) -> None: ...

    def _at(self, moment: Moment) -> date:
        return moment.utc.date()

    def _current_date(self, value: object) -> tuple[str, PythonValue]:
        return "$set", self.to_mongo(self._at(client_time(self, value)))

    def to_mongo(self, value: PythonValue) -> RawValue:
        """Return a `datetime` at midnight of the day."""
        value = super().to_mongo(value)
        if isinstance(value, datetime):
            return datetime(value.year, value.month, value.day)
        return value

    def to_python(self, value: RawValue) -> PythonValue:
        """Return the day as a `date`; what is no date and time stays as it is."""
        value = super().to_python(value)
        if isinstance(value, datetime):
            return date(value.year, value.month, value.day)
        return value

    def _from_raw(self, value: PythonValue) -> PythonValue:
        return value.date() if type(value) is datetime else self.to_python(value)


class ComplexDateTimeField(_Stamping, _StringField[OrNone]):
    """A field for a time to the microsecond, stored as text that sorts by time.

    The text has year, month, day, hour, minute, second and microsecond, joined by
    the separator.  It has no room for a time zone: a value with one is converted to
    UTC, as in a :class:`DateTimeField`; a value without one is stored as it is.

    :param separator: what stands between the numbers.
    :param auto_now_add: store the time at which the document is inserted, unless it
        has a value.
    :param auto_now: store the time of each write that changes the document.
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
        auto_now: bool = False,
        auto_now_add: bool = False,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: ComplexDateTimeField[Never],
        separator: str = ",",
        *,
        primary_key: Yes,
        auto_now: bool = False,
        auto_now_add: bool = False,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: ComplexDateTimeField[Never],
        separator: str = ",",
        *,
        default: Default[datetime | str],
        auto_now: bool = False,
        auto_now_add: bool = False,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: ComplexDateTimeField[None],
        separator: str = ",",
        *,
        auto_now: bool = False,
        auto_now_add: bool = False,
        **options: object,
    ) -> None: ...
    def __init__(
        self,
        separator: str = ",",
        auto_now: bool = False,
        auto_now_add: bool = False,
        **kwargs: PassedOn,
    ) -> None:
        self.auto_now, self.auto_now_add = auto_now, auto_now_add
        self.separator = separator
        self.format = separator.join(["%Y", "%m", "%d", "%H", "%M", "%S", "%f"])
        super().__init__(**kwargs)
        self._set_when_made = self.default is not None

    def _at(self, moment: Moment) -> str:
        return self._convert_from_datetime(moment.utc)

    def _current_date(self, value: object) -> tuple[str, PythonValue]:
        return "$set", self._at(client_time(self, value))

    def _convert_from_datetime(self, val: datetime) -> str:
        if getattr(val, "tzinfo", None) is not None:
            val = val.astimezone(timezone.utc)
        return val.strftime(self.format)

    def _convert_from_string(self, data: str) -> datetime:
        numbers: list[PythonValue] = [
            int(number) for number in data.split(self.separator)
        ]
        return datetime(*numbers)

    @overload
    def __get__(self, instance: None, owner: object) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: object) -> datetime | OrNone: ...
    def __get__(self, instance: Instance, owner: Instance) -> PythonValue:
        if instance is None:
            return self
        value = self._read(instance)
        if value is None or isinstance(value, datetime):
            return value
        return self._convert_from_string(value)

    def __set__(self, instance: Instance, value: datetime | str | None) -> None:
        super().__set__(instance, value)
        value = self._read(instance)
        if isinstance(value, datetime):
            instance._put(self.name, self._convert_from_datetime(value))

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check that the value is a `datetime`, or text in the field's format."""
        if not isinstance(self.to_python(value), datetime):
            self.error("Only datetime objects may used in a ComplexDateTimeField")

    def _is_unconstrained(self) -> bool:
        return True

    def to_python(self, value: RawValue) -> PythonValue:
        """Return a `datetime`; what is not in the field's format stays as it is."""
        with suppress(Exception):
            return self._convert_from_string(value)
        return value

    def _from_raw(self, value: object) -> PythonValue:
        # A document holds the text; reading the field makes a datetime of it.
        value = self.to_python(value)
        if isinstance(value, datetime):
            return self._convert_from_datetime(value)
        return value

    def to_mongo(self, value: PythonValue) -> RawValue:
        """Return the text that is stored."""
        return self._convert_from_datetime(self.to_python(value))

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
        """Return the text that is stored; a pattern for a string operator."""
        if value is None:
            return value
        return super().prepare_query_value(op, self._convert_from_datetime(value))
