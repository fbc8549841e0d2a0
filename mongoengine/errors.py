"""The exceptions that the library raises, besides PyMongo's::

    Exception
    ├── MongoEngineException
    │   ├── ContextError                (also a RuntimeError)
    │   ├── DeprecatedError
    │   ├── DoesNotExist
    │   ├── FieldDoesNotExist
    │   ├── InvalidDocumentError
    │   ├── InvalidQueryError
    │   ├── MultipleObjectsReturned
    │   ├── NotRegistered
    │   └── OperationError
    │       ├── BulkWriteError
    │       │   └── BulkOperationError
    │       ├── NotUniqueError
    │       ├── SaveConditionError
    │       │   └── ConcurrentModificationError
    │       └── TransientOperationError (also a PyMongoError)
    ├── AssertionError
    │   └── ValidationError
    ├── AttributeError
    │   └── LookUpError
    ├── ConnectionFailure               (in `mongoengine.connection`)
    ├── GridFSError
    ├── InvalidCollectionError
    └── ImproperlyConfigured

`mongoengine.driver.io.WrongFamilyError`, a `RuntimeError`, says that an alias is open
only for the other family of methods.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.errors import PyMongoError

__all__ = (
    "BulkOperationError",
    "BulkWriteError",
    "ConcurrentModificationError",
    "ContextError",
    "DeprecatedError",
    "DoesNotExist",
    "FieldDoesNotExist",
    "GridFSError",
    "ImproperlyConfigured",
    "InvalidCollectionError",
    "InvalidDocumentError",
    "InvalidQueryError",
    "LazyReferenceError",
    "LazyReferenceWarning",
    "LookUpError",
    "MongoEngineWarning",
    "MultipleObjectsReturned",
    "NotRegistered",
    "NotUniqueError",
    "OperationError",
    "SaveConditionError",
    "ValidationError",
)


class MongoEngineException(Exception):
    """The base class of most exceptions of the library."""


class NotRegistered(MongoEngineException):
    """Raised if no document class has the name that was asked for."""


class InvalidDocumentError(MongoEngineException):
    """Raised if a document class is ill-defined, or raw data does not fit its class."""


class LookUpError(AttributeError):
    """Raised if a path in a query does not lead through the fields of a document."""

    @property
    def has_proposal(self) -> bool:
        """Return whether the text says what may have been meant."""
        return "; did you mean '" in str(self)


class DoesNotExist(MongoEngineException):
    """Raised if no document matches; each document class has its own subclass."""


class MultipleObjectsReturned(MongoEngineException):
    """Raised if `get()` matches several documents; each class has its own subclass."""


class InvalidQueryError(MongoEngineException):
    """Raised if a keyword query names a field or operator that cannot be used so."""


class OperationError(MongoEngineException):
    """Raised if the server refuses an operation.

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
    """Raised if a transaction fails, but may succeed when it is run again.

    It has the label `TransientTransactionError`, and is an error of PyMongo's besides,
    so that `ClientSession.with_transaction` runs its callback again.
    """


class NotUniqueError(OperationError):
    """Raised if a write would break a unique index."""


class BulkWriteError(OperationError):
    """Raised if a write of several documents fails for some of them."""


class BulkOperationError(BulkWriteError):
    """Raised if some documents of a bulk operation were not written.

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
    """Raised if the stored document does not match the `save_condition` of a save."""


class ConcurrentModificationError(SaveConditionError):
    """Raised if others have changed or deleted a document since it was loaded.

    Only documents with a `version_field` are checked.  Nothing has been written, and
    the changes of the document are still pending: call `reload()` and make them again.
    """


class FieldDoesNotExist(MongoEngineException):
    """Raised if a document gets a field that its class does not define.

    A class that should accept (and ignore) such fields sets
    `meta = {"strict": False}`; one that should keep them is a dynamic document.
    """


class LazyReferenceError(MongoEngineException):
    """A reference was followed where it was read, under `strict_references()`."""


class MongoEngineWarning(UserWarning):
    """An unknown name was used, which is probably misspelt."""


class LazyReferenceWarning(UserWarning):
    """A reference was followed where it was read, under `strict_references("warn")`."""


class ContextError(MongoEngineException, RuntimeError):
    """Raised if a block is left, or used, in another context than it was entered in.

    See `mongoengine.context_managers` and the guide on asynchronous use.
    """


class GridFSError(Exception):
    """Raised if a file is put where there is one, or written after it was removed."""

    __module__ = "mongoengine.fields"


class ImproperlyConfigured(Exception):
    """Raised if an optional package is needed and not installed."""

    __module__ = "mongoengine.fields"


class InvalidCollectionError(Exception):
    """A collection exists with other options than its document class declares."""

    __module__ = "mongoengine.document"


class DeprecatedError(MongoEngineException):
    """Raised if something is used that is no longer supported."""


class ValidationError(AssertionError):
    """Raised if a value breaks the rules of its field.

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
        """The text of the error, followed by the errors below in parentheses."""
        if self.errors:
            return f"{self._message}({self._format_errors()})"
        return self._message

    @message.setter
    def message(self, message: object) -> None:
        self._message = message

    def to_dict(self) -> dict[Any, Any]:
        """Return the errors below this one, as a nested dict of texts."""
        return _texts(self.errors) if self.errors else {}

    def _format_errors(self) -> str:
        """Return the texts of the errors below, each with its fields."""
        fields_by_text = defaultdict(list)
        for field, texts in self.to_dict().items():
            fields_by_text[_flat(texts)].append(field)
        return " ".join(f"{text}: {fields}" for text, fields in fields_by_text.items())


def _texts(error: object) -> Any:
    if isinstance(error, Mapping):
        return {key: _texts(below) for key, below in error.items()}
    if isinstance(error, ValidationError) and error.errors:
        return _texts(error.errors)
    return str(error)


def _flat(texts: Any, key: object = None) -> str:
    if isinstance(texts, dict):
        texts = " ".join(_flat(below, name) for name, below in texts.items())
    return f"{key}.{texts}" if key else texts
