"""Fields that hold numbers and truth values."""

from __future__ import annotations

import decimal
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, overload

from bson import Decimal128, Int64
from bson.decimal128 import create_decimal128_context

from mongoengine.base.bson_types import NO_TYPES
from mongoengine.base.codec import (
    Dump,
    Limits,
    Proof,
    each_of_type,
    limited,
    of_type,
)
from mongoengine.base.decimals import decimal_of
from mongoengine.base.field import BaseField
from mongoengine.base.hints import Argument
from mongoengine.base.overrides import still_true
from mongoengine.base.types import (
    Assigned,
    OrNone,
    PassedOn,
    PythonValue,
    RawValue,
    Unset,
    Value,
)
from mongoengine.base.utils import warn_caller
from mongoengine.fields.decimals import as_decimal, is_decimal128

if TYPE_CHECKING:
    from typing_extensions import Never

    from mongoengine.base.types import Default, Yes

__all__ = (
    "BooleanField",
    "Decimal128Field",
    "DecimalField",
    "FloatField",
    "IntField",
    "LongField",
)

#: Raw values of which numbers are made without fail, or that are left as they are.
_WITHOUT_FAIL = frozenset({int, Int64, bool, str})


#: The test of the range of a number, as source.
_IN_RANGE = (
    "({field}.min_value is None or {value} >= {field}.min_value) and "
    "({field}.max_value is None or {value} <= {field}.max_value)"
)


class _RangeField(BaseField[Value, Assigned, Unset]):
    """A number with a smallest and a greatest allowed value, both included."""

    _too_small = ""
    _too_large = ""

    def __init__(
        self,
        min_value: PythonValue = None,
        max_value: PythonValue = None,
        **kwargs: PassedOn,
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        super().__init__(**kwargs)

    _is_pure = True

    # Raw values that `to_python` cannot fail on, None where that is any value.
    _converted_surely: ClassVar[frozenset[type] | None] = None
    # Whether a finite sum of raw values proves that all can be converted.
    _sums: ClassVar[bool] = False

    def _load_proof(self) -> Proof | None:
        if self._converted_surely is None:
            return super()._load_proof()
        return of_type(self._converted_surely, sums=self._sums)

    def _items_load_proof(self) -> Proof | None:
        if self._converted_surely is None:
            return super()._items_load_proof()
        return each_of_type(self._converted_surely, sums=self._sums)

    def _raw_validator(self) -> Proof | None:
        exact = self._valid_types & self._loads_unchanged
        otherwise = self._passing_validation()
        if self.choices or not exact or otherwise is None:
            return super()._raw_validator()

        def valid(raw: object) -> bool:
            if raw.__class__ not in exact:
                return otherwise(raw)
            low, high = self.min_value, self.max_value
            return (low is None or raw >= low) and (high is None or raw <= high)

        return limited(valid, Limits(_IN_RANGE, self, exact))

    def _check_range(self, value: object) -> None:
        if self.min_value is not None and value < self.min_value:
            self.error(self._too_small)
        if self.max_value is not None and value > self.max_value:
            self.error(self._too_large)

    def _is_unconstrained(self) -> bool:
        return self.min_value is self.max_value is None


class IntField(_RangeField[int, int, OrNone]):
    """A field for a whole number, stored as a BSON int or long.

    :param min_value: the smallest allowed value.
    :param max_value: the greatest allowed value.
    """

    _counts = True
    _load_as = frozenset({int})
    _dump_as = frozenset({int})
    _valid_types = frozenset({int, Int64, bool})
    # Not float: there is no int for infinity.
    _converted_surely = _WITHOUT_FAIL | {type(None)}
    _sums = True
    _too_small = "Integer value is too small"
    _too_large = "Integer value is too large"

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: IntField[Never],
            min_value: int | None = None,
            max_value: int | None = None,
            *,
            required: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: IntField[Never],
            min_value: int | None = None,
            max_value: int | None = None,
            *,
            primary_key: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: IntField[Never],
            min_value: int | None = None,
            max_value: int | None = None,
            *,
            default: Default[int],
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: IntField[None],
            min_value: int | None = None,
            max_value: int | None = None,
            **options: object,
        ) -> None: ...
        def __init__(self, *args: object, **options: object) -> None: ...

    def to_python(self, value: RawValue) -> PythonValue:
        """Return `int(value)` where that is possible, or the value as it is."""
        with suppress(TypeError, ValueError):
            return int(value)
        return value

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check that the value can be made an int, and its range."""
        try:
            value = int(value)
        except (TypeError, ValueError):
            self.error("%s could not be converted to int" % value)  # noqa: UP031
        self._check_range(value)

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
        """Return the value as an int."""
        if value is None:
            return value
        return super().prepare_query_value(op, int(value))


class LongField(IntField[OrNone]):
    """Deprecated: :class:`IntField` stored as a 64-bit BSON long, always."""

    _dump_as = frozenset({Int64})

    @overload
    def __init__(
        self: LongField[Never],
        min_value: int | None = None,
        max_value: int | None = None,
        *,
        required: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: LongField[Never],
        min_value: int | None = None,
        max_value: int | None = None,
        *,
        primary_key: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: LongField[Never],
        min_value: int | None = None,
        max_value: int | None = None,
        *,
        default: Default[int],
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: LongField[None],
        min_value: int | None = None,
        max_value: int | None = None,
        **options: object,
    ) -> None: ...
    def __init__(
        self,
        min_value: PythonValue = None,
        max_value: PythonValue = None,
        **kwargs: object,
    ) -> None:
        warn_caller("LongField is deprecated, use IntField instead", DeprecationWarning)
        super().__init__(min_value, max_value, **kwargs)

    def to_mongo(self, value: PythonValue) -> RawValue:
        """Return the value as a `bson.Int64`."""
        return Int64(self.to_python(value))


class FloatField(_RangeField[float, float, OrNone]):
    """A field for a floating point number, stored as a BSON double.

    :param min_value: the smallest allowed value.
    :param max_value: the greatest allowed value.
    """

    _load_as = frozenset({float})
    _dump_as = frozenset({float})
    _valid_types = frozenset({float})
    _converted_surely = _WITHOUT_FAIL | {float}
    _sums = True
    _too_small = "Float value is too small"
    _too_large = "Float value is too large"

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: FloatField[Never],
            min_value: float | None = None,
            max_value: float | None = None,
            *,
            required: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: FloatField[Never],
            min_value: float | None = None,
            max_value: float | None = None,
            *,
            primary_key: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: FloatField[Never],
            min_value: float | None = None,
            max_value: float | None = None,
            *,
            default: Default[float],
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: FloatField[None],
            min_value: float | None = None,
            max_value: float | None = None,
            **options: object,
        ) -> None: ...
        def __init__(self, *args: object, **options: object) -> None: ...

    def to_python(self, value: RawValue) -> PythonValue:
        """Return `float(value)`; text that is no number stays as it is."""
        with suppress(ValueError):
            return float(value)
        return value

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check the type and the range."""
        if isinstance(value, int):
            try:
                value = float(value)
            except OverflowError:
                self.error("The value is too large to be converted to float")
        if not isinstance(value, float):
            self.error("FloatField only accepts float and integer values")
        self._check_range(value)

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
        """Return the value as a float."""
        if value is None:
            return value
        return super().prepare_query_value(op, float(value))


class DecimalField(_RangeField[Decimal, Decimal | float | str, OrNone]):
    """A field for a :class:`decimal.Decimal`, stored as a double or as text.

    A double cannot hold every decimal number: see :class:`Decimal128Field`.

    :param min_value: the smallest allowed value.
    :param max_value: the greatest allowed value.
    :param force_string: store text, which keeps every digit (and sorts as text).
    :param precision: the number of decimal places that are kept.
    :param rounding: how further places are rounded, a name that the `decimal`
        module knows (``decimal.ROUND_HALF_UP``).
    """

    _valid_types = frozenset({Decimal})
    _load_can_fail = True
    _too_small = "Decimal value is too small"
    _too_large = "Decimal value is too large"

    @overload
    def __init__(
        self: DecimalField[Never],
        min_value: Decimal | float | None = None,
        max_value: Decimal | float | None = None,
        force_string: bool = False,
        precision: int = 2,
        rounding: str = decimal.ROUND_HALF_UP,
        *,
        required: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: DecimalField[Never],
        min_value: Decimal | float | None = None,
        max_value: Decimal | float | None = None,
        force_string: bool = False,
        precision: int = 2,
        rounding: str = decimal.ROUND_HALF_UP,
        *,
        primary_key: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: DecimalField[Never],
        min_value: Decimal | float | None = None,
        max_value: Decimal | float | None = None,
        force_string: bool = False,
        precision: int = 2,
        rounding: str = decimal.ROUND_HALF_UP,
        *,
        default: Default[Decimal | float | str],
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: DecimalField[None],
        min_value: Decimal | float | None = None,
        max_value: Decimal | float | None = None,
        force_string: bool = False,
        precision: int = 2,
        rounding: str = decimal.ROUND_HALF_UP,
        **options: object,
    ) -> None: ...
    def __init__(
        self,
        min_value: object = None,
        max_value: object = None,
        force_string: bool = False,
        precision: int = 2,
        rounding: str = decimal.ROUND_HALF_UP,
        **kwargs: object,
    ) -> None:
        self.force_string = force_string
        self.precision = precision
        self.rounding = rounding
        if precision < 0 or not isinstance(precision, int):
            self.error("precision must be a positive integer")
        super().__init__(min_value, max_value, **kwargs)

    def to_python(self, value: RawValue) -> PythonValue:
        """Return a `Decimal` rounded to `precision`; leave what is no number."""
        if value is None:
            return value
        try:
            number = Decimal("%s" % value)  # noqa: UP031
        except (TypeError, ValueError, decimal.InvalidOperation):
            return value
        return number.quantize(_quantum(self.precision), rounding=self.rounding)

    def to_mongo(self, value: PythonValue) -> RawValue:
        """Return the rounded value as a float, or as text with `force_string`."""
        number = self.to_python(value)
        return str(number) if self.force_string else float(number)

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check that the value can be made a `Decimal`, and its range."""
        if not isinstance(value, Decimal):
            text = value if isinstance(value, str) else str(value)
            try:
                value = Decimal(text)
            except (TypeError, ValueError, decimal.InvalidOperation) as failure:
                self.error(f"Could not convert value to decimal: {failure}")
        self._check_range(value)

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
        """Return the value as it is stored."""
        if value is None:
            return value
        return super().prepare_query_value(op, self.to_mongo(value))


@lru_cache(maxsize=64)
def _quantum(precision: int) -> Decimal:
    return Decimal(1).scaleb(-precision)


class Decimal128Field(_RangeField[Decimal, Decimal | Decimal128 | float | str, OrNone]):
    """A field for a :class:`decimal.Decimal`, stored as a BSON decimal128.

    It has 34 decimal digits, and is exact within them.

    :param min_value: the smallest allowed value.
    :param max_value: the greatest allowed value.
    """

    DECIMAL_CONTEXT = create_decimal128_context()

    _dump_as = frozenset({Decimal128})
    _valid_types = frozenset({Decimal128})
    _load_can_fail = True  # what is no decimal128 may be no number
    _converted_surely = frozenset({Decimal128})
    _loads_scalars = frozenset({Decimal128})
    _too_small = "Decimal value is too small"
    _too_large = "Decimal value is too large"

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: Decimal128Field[Never],
            min_value: Decimal | float | None = None,
            max_value: Decimal | float | None = None,
            *,
            required: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: Decimal128Field[Never],
            min_value: Decimal | float | None = None,
            max_value: Decimal | float | None = None,
            *,
            primary_key: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: Decimal128Field[Never],
            min_value: Decimal | float | None = None,
            max_value: Decimal | float | None = None,
            *,
            default: Default[Decimal | Decimal128 | float | str],
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: Decimal128Field[None],
            min_value: Decimal | float | None = None,
            max_value: Decimal | float | None = None,
            **options: object,
        ) -> None: ...
        def __init__(self, *args: object, **options: object) -> None: ...

    def _value_validator(self) -> Proof | None:
        otherwise = super()._value_validator()
        if otherwise is None or self.choices or not self._is_unconstrained():
            return otherwise
        return lambda value: is_decimal128(value) or otherwise(value)

    def _argument(self) -> Argument:
        exact = still_true(type(self), "_argument", "to_python", "to_mongo")
        return Argument(NO_TYPES, as_decimal if exact else None, None, None)

    def _raw_dumper(self) -> Dump:
        return lambda raw: raw if raw.__class__ is Decimal128 else None

    def _raw_validator(self) -> Proof | None:
        if self.choices or not self._is_unconstrained():
            return super()._raw_validator()
        return lambda raw: raw.__class__ is Decimal128

    def to_mongo(self, value: PythonValue) -> RawValue:
        """Return the value as a `bson.Decimal128`, rounded to 34 digits."""
        if value is None or isinstance(value, Decimal128):
            return value
        if not isinstance(value, Decimal):
            with decimal.localcontext(self.DECIMAL_CONTEXT) as context:
                value = context.create_decimal(value)
        return Decimal128(value)

    def to_python(self, value: RawValue) -> PythonValue:
        """Return the value as a `Decimal`."""
        if value is None:
            return value
        return decimal_of(self.to_mongo(value))

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check that the value can be made a decimal128, and its range."""
        if not isinstance(value, Decimal128):
            try:
                value = Decimal128(value)
            except (TypeError, ValueError, decimal.InvalidOperation) as failure:
                self.error(f"Could not convert value to Decimal128: {failure}")
        self._check_range(value.to_decimal())

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
        """Return the value as it is stored."""
        return super().prepare_query_value(op, self.to_mongo(value))


class BooleanField(BaseField[bool, bool, OrNone]):
    """A field for a truth value, stored as a BSON bool."""

    _is_pure = True

    _load_as = frozenset({bool})
    _dump_as = frozenset({bool})
    _valid_types = frozenset({bool})

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: BooleanField[Never],
            db_field: str | None = None,
            *,
            required: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: BooleanField[Never],
            db_field: str | None = None,
            *,
            primary_key: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: BooleanField[Never],
            db_field: str | None = None,
            *,
            default: Default[bool],
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: BooleanField[None],
            db_field: str | None = None,
            **options: object,
        ) -> None: ...
        def __init__(self, *args: object, **options: object) -> None: ...

    def to_python(self, value: RawValue) -> PythonValue:
        """Return `bool(value)`."""
        with suppress(ValueError, TypeError):
            return bool(value)
        return value

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check the type."""
        if not isinstance(value, bool):
            self.error("BooleanField only accepts boolean values")
