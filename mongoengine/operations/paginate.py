"""Read a query page by page: from a position in its order, or by page numbers."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import bson
from bson.errors import BSONError

from mongoengine.base.types import RawDocument, RawMapping, RawValue
from mongoengine.errors import InvalidQueryError, OperationError
from mongoengine.operations.read import count
from mongoengine.operations.select_related import relate
from mongoengine.query.keyset import beyond, key_of, sort_of, with_keys

if TYPE_CHECKING:
    from bson.codec_options import CodecOptions

    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session
    from mongoengine.operations.source import AnyQueryset, QuerySource
    from mongoengine.query.query import Query

__all__ = ("Page", "Tokens", "find_from", "paginate")

D = TypeVar("D")

Sort = list[tuple[str, int]]

#: Bytes of a signature in a token.
_SIGNATURE = 16


@dataclass(frozen=True)
class Page(Generic[D]):
    """One page of a query: its items, and the tokens of the pages beside it."""

    items: list[D]
    #: The token for `after=`, or None on the last page.
    next: str | None = None
    #: The token for `before=`, or None on the first page.
    previous: str | None = None
    #: The number of documents and of pages, if the page was asked for by number.
    total: int | None = None
    pages: int | None = None

    def __iter__(self) -> Iterator[D]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


async def paginate(
    queryset: QuerySource[D],
    io: IO,
    size: int = 20,
    after: str | None = None,
    before: str | None = None,
    page_number: int | None = None,
    secret: str | bytes | None = None,
    *,
    session: Session = None,
) -> Page[D]:
    """Return one page of the documents (`find`).

    The order of the queryset decides, and the primary key among equals.  A token is
    a position in it, so that no page repeats or leaves out what others insert or
    delete meanwhile, and late pages cost no more than the first.  A page number has
    the server skip what comes before, and counts all documents (`aggregate`).

    https://www.mongodb.com/docs/manual/reference/command/find/

    :param size: the number of documents to a page
    :param after: `next` of the page before this one
    :param before: `previous` of the page after this one
    :param page_number: the number of the page, from 1, in place of a token
    :param secret: signs the tokens, so that only those that this program has made
        are accepted; without it a token shows and may choose the position
    :param session: a PyMongo session to work in
    :raises ValueError: if `size` or `page_number` is not positive, or more than one
        of `after`, `before` and `page_number` is given
    :raises InvalidQueryError: if a token is invalid or of another order
    :raises OperationError: if the queryset has a slice, or an order by lists, by NaN
        or by text scores
    """
    _check(queryset, size, after, before, page_number)
    spec = queryset._spec
    sort = sort_of(spec.order())
    if spec.is_void:
        return Page([]) if page_number is None else Page([], total=0, pages=0)
    collection = await queryset._open_to_read(io)
    tokens = Tokens(sort, secret, collection.codec_options)
    token = after if before is None else before
    position = None if token is None else tokens.read(token)
    skip = 0 if page_number is None else (page_number - 1) * size
    arguments = _arguments(spec, size, sort, position, before is not None, skip)
    raws = await queryset._raws(io, collection, arguments)
    more, raws = len(raws) > size, raws[:size]
    if before is not None:
        raws.reverse()
    keys = [] if spec.orders_by_computed(sort) else [key_of(r, sort) for r in raws]
    items = queryset._converter()(raws)
    await relate(spec, io, items)
    has_next = before is not None or more
    has_previous = more if before is not None else bool(skip or after)
    total = None if page_number is None else await count(queryset, io)
    return Page(
        items,
        tokens.make(keys[-1]) if keys and has_next else None,
        tokens.make(keys[0]) if keys and has_previous else None,
        total,
        None if total is None else math.ceil(total / size),
    )


def _arguments(
    spec: Query,
    size: int,
    sort: Sort,
    position: list[object] | None,
    backwards: bool,
    skip: int,
) -> RawDocument:
    """Return the arguments of `find` for a page and one document more.

    :param position: the keys of the document before the page; None for the first page
    :param backwards: read against the order
    """
    if backwards:
        sort = [(name, -direction) for name, direction in sort]
    following = None if position is None else beyond(sort, position)
    arguments = find_from(spec, size + 1, sort, following)
    if skip:
        arguments["skip"] = skip
    return arguments


def find_from(
    spec: Query, limit: int, sort: Sort, following: RawDocument | None
) -> RawDocument:
    """Return the arguments of `find` for documents in an order, with their keys.

    :param following: the filter for what follows a position; None to start at the first
    """
    arguments = spec.find(limit=limit)
    arguments["sort"] = sort
    if following is not None:
        conditions = arguments["filter"]
        arguments["filter"] = (
            {"$and": [conditions, following]} if conditions else following
        )
    if arguments.get("projection"):
        arguments["projection"] = with_keys(arguments["projection"], sort)
    return arguments


def _check(
    queryset: AnyQueryset,
    size: int,
    after: str | None,
    before: str | None,
    page_number: int | None,
) -> None:
    if size < 1:
        raise ValueError(f"paginate() takes a positive size, not {size}")
    if page_number is not None and page_number < 1:
        raise ValueError(f"paginate() counts pages from 1, page_number={page_number}")
    if [after, before, page_number].count(None) < 2:
        raise ValueError("paginate() takes one of after, before and page_number")
    spec = queryset._spec
    if page_number is None and spec.orders_by_computed(spec.order()):
        raise OperationError(
            "paginate() has no tokens for an order by values that are joined or "
            "computed: use page_number"
        )
    if spec.limit or spec.skip:
        raise OperationError(
            "paginate() of a slice is not possible: call it without limit() and skip()"
        )


class Tokens:
    """Make texts of positions in an order, and read them."""

    def __init__(
        self, sort: Sort, secret: str | bytes | None, options: CodecOptions[Any]
    ) -> None:
        self._sort: Any = [list(key) for key in sort]
        self._secret = secret.encode() if isinstance(secret, str) else secret
        self._options = options

    def make(self, key: list[object]) -> str:
        payload = bson.encode(
            {"sort": self._sort, "key": key}, codec_options=self._options
        )
        token = base64.urlsafe_b64encode(self._signature(payload) + payload)
        return token.decode().rstrip("=")

    def read(self, token: str) -> list[RawValue]:
        """Return the position that a token stands for.

        :raises InvalidQueryError: if it is invalid, or of another order
        """
        invalid = InvalidQueryError(f"Not a token of this order: {token!r}")
        try:
            content = base64.b64decode(
                token.encode() + b"=" * (-len(token) % 4), b"-_", validate=True
            )
            size = len(self._signature(b""))
            signature, payload = content[:size], content[size:]
            if not hmac.compare_digest(signature, self._signature(payload)):
                raise invalid
            position: RawMapping = bson.decode(payload, codec_options=self._options)
            key = position["key"]
            if position["sort"] == self._sort and len(key) == len(self._sort):
                return list(key)
        except (
            AttributeError,
            BSONError,
            KeyError,
            TypeError,
            ValueError,
            binascii.Error,
        ) as error:
            raise invalid from error
        raise invalid

    def _signature(self, payload: bytes) -> bytes:
        if self._secret is None:
            return b""
        return hmac.new(self._secret, payload, hashlib.sha256).digest()[:_SIGNATURE]
