"""The exceptions that the library raises."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.errors import PyMongoError

__all__ = (
    "BulkOperationError",
    "BulkWriteError",
    "ContextError",
    "DeprecatedError",
    "DoesNotExist",
    "FieldDoesNotExist",
    "GridFSError",
    "ImproperlyConfigured",
    "InvalidDocumentError",
    "InvalidQueryError",
    "LookUpError",
    "MultipleObjectsReturned",
    "NotRegistered",
    "NotUniqueError",
    "OperationError",
    "SaveConditionError",
    "ValidationError",
)


class MongoEngineException(Exception):
    """What most of the library's own exceptions descend from."""


class NotRegistered(MongoEngineException):
    """A document class was asked for by a name that no class has."""


class InvalidDocumentError(MongoEngineException):
    """A document class is ill-defined, or raw data does not fit its class."""


class LookUpError(AttributeError):
    """A path in a query does not lead through the fields of a document."""


class DoesNotExist(MongoEngineException):
    """No document matches; each document class has a subclass of its own."""


class MultipleObjectsReturned(MongoEngineException):
    """`get()` matched several documents; each class has its own subclass."""


class InvalidQueryError(MongoEngineException):
    """A keyword query names a field or an operator that cannot be used so."""


class OperationError(MongoEngineException):
    """The server refused an operation.

    Where the server refused it, the error carries what the server answered; PyMongo's
    own error is its `__cause__`.
    """

    #: The server's error code, or None.
    code: int | None = None
    #: The server's answer, or None.
    details: Mapping[str, Any] | None = None
    _error_labels: set[str] = set()  # replaced, never changed

    def has_error_label(self, label: str) -> bool:
        """Return whether the error has a label, as PyMongo's errors do.

        See https://www.mongodb.com/docs/manual/core/transactions-in-applications/
        """
        return label in self._error_labels


class TransientOperationError(OperationError, PyMongoError):
    """A transaction failed for a reason that may be gone when it is run again.

    It has the label `TransientTransactionError`, and is an error of PyMongo's besides,
    so that `ClientSession.with_transaction` runs its callback again.
    """


class NotUniqueError(OperationError):
    """A write would have broken a unique index."""


class BulkWriteError(OperationError):
    """A write of several documents failed for some of them."""


class BulkOperationError(BulkWriteError):
    """Some documents of a bulk operation were not written.

    :param message: the summary that `str()` shows
    :param failures: a tuple `(index, document, error)` for each document that
        was not written: its place in what was passed, the document (or the
        operation) itself, and the exception that tells why
    """

    failures: list[tuple[int, Any, Exception]]

    def __init__(
        self,
        message: str = "",
        failures: Sequence[tuple[int, Any, Exception]] = (),
    ) -> None:
        super().__init__(message)
        self.failures = list(failures)


class SaveConditionError(OperationError):
    """The `save_condition` of a save did not match what is stored."""


class FieldDoesNotExist(MongoEngineException):
    """A document was given a field that its class does not define.

    A class that should accept (and ignore) such fields sets
    `meta = {"strict": False}`; one that should keep them is a dynamic document.
    """


class ContextError(MongoEngineException, RuntimeError):
    """A block was entered in one context and left, or used, in another.

    See `mongoengine.context_managers` and the guide on asynchronous use.
    """


class GridFSError(Exception):
    """A file was put where there is one already, or written after it was removed."""

    __module__ = "mongoengine.fields"


class ImproperlyConfigured(Exception):
    """An optional package is needed and not installed."""

    __module__ = "mongoengine.fields"


class DeprecatedError(MongoEngineException):
    """Something was used that is no longer there to be used."""


class ValidationError(AssertionError):
    """A value does not meet the rules of its field.

    :param message: what is wrong
    :param errors: the errors below this one: field name, list index or map key
        to an error, which may have errors of its own
    :param field_name: the field at fault
    """

    errors: dict[Any, Any] = {}
    field_name: str | None = None
    _message: Any = None

    def __init__(self, message: Any = "", **kwargs: Any) -> None:
        super().__init__(message)
        self.errors = kwargs.get("errors", {})
        self.field_name = kwargs.get("field_name")
        self.message = message

    def __str__(self) -> str:
        return str(self.message)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message},)"

    @property
    def message(self) -> Any:
        """What is wrong, followed by the errors below in parentheses."""
        if self.errors:
            return f"{self._message}({self._format_errors()})"
        return self._message

    @message.setter
    def message(self, message: Any) -> None:
        self._message = message

    def to_dict(self) -> dict[Any, Any]:
        """The errors below this one, as a nested dict of texts."""
        return _texts(self.errors) if self.errors else {}

    def _format_errors(self) -> str:
        """The fields at fault, grouped by what is wrong with them."""
        fields_by_text = defaultdict(list)
        for field, texts in self.to_dict().items():
            fields_by_text[_flat(texts)].append(field)
        return " ".join(f"{text}: {fields}" for text, fields in fields_by_text.items())


def _texts(error: Any) -> Any:
    if isinstance(error, Mapping):
        return {key: _texts(below) for key, below in error.items()}
    if isinstance(error, ValidationError) and error.errors:
        return _texts(error.errors)
    return str(error)


def _flat(texts: Any, key: Any = None) -> str:
    if isinstance(texts, dict):
        texts = " ".join(_flat(below, name) for name, below in texts.items())
    return f"{key}.{texts}" if key else texts
