"""Decide between a `find` and a pipeline, and read what one of them gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mongoengine import connection
from mongoengine.base.types import AnyCollection, AnyCursor, RawDocument
from mongoengine.driver.cursor import Batches, open_cursor
from mongoengine.errors import InvalidQueryError, OperationError
from mongoengine.query import query as _query
from mongoengine.query import stages as _stages
from mongoengine.query.projection import QueryFieldList

if TYPE_CHECKING:
    from mongoengine.driver.io import IO
    from mongoengine.query.paths import Join
    from mongoengine.query.query import Query

__all__ = ("Reading",)


class Reading:
    """The part of querysets that sends what a `Query` asks for."""

    if TYPE_CHECKING:
        _spec: Query

        async def _open_to_read(self, io: IO) -> AnyCollection:
            """Return the collection to read; see `QuerySource`."""

    async def _cursor_over(
        self, io: IO, collection: AnyCollection, arguments: RawDocument
    ) -> AnyCursor:
        """Return a cursor for a `find`, or for the pipeline that does what it cannot.

        :param arguments: those of `find`; see `Query.find`
        """
        spec = self._spec
        if not spec.reads_by_pipeline(arguments):
            return open_cursor(collection, arguments, spec.tailable)
        if spec.tailable is not None:
            raise OperationError("Joins and annotations have no tailable cursors")
        joined: dict[str, Join] = {}
        stages = spec.find_pipeline(arguments, joined)
        self._check_joins(io, collection, joined)
        cursor: AnyCursor = await io(
            collection.aggregate, stages, **_stages.options_of(arguments)
        )
        return cursor

    async def _raws(
        self, io: IO, collection: AnyCollection, arguments: RawDocument
    ) -> list[RawDocument]:
        """Return the raw documents of a `find`, or of its pipeline."""
        cursor = await self._cursor_over(io, collection, arguments)
        return await Batches(cursor).drain(io)

    async def _raw_first(
        self, io: IO, collection: AnyCollection, arguments: RawDocument
    ) -> RawDocument | None:
        """Return the first raw document of a `find`, or of its pipeline, or None."""
        if not self._spec.reads_by_pipeline(arguments):
            found: RawDocument | None = await io(collection.find_one, **arguments)
            return found
        cursor = await self._cursor_over(io, collection, {**arguments, "limit": 1})
        raws = await Batches(cursor).drain(io)
        return raws[0] if raws else None

    async def _count_rows(self, io: IO, with_window: bool) -> int:
        """Return how many documents or rows a pipeline gives (`aggregate`).

        :param with_window: apply `limit` and `skip`
        """
        counted = self._spec.replace(
            lookups=(), loaded_fields=QueryFieldList(), search_text=None
        )
        arguments = counted.find(ordered=False, limit=counted.limit)
        if not with_window:
            arguments.pop("limit", None)
            arguments.pop("skip", None)
        joined: dict[str, Join] = {}
        stages = [*counted.find_pipeline(arguments, joined), {"$count": "n"}]
        arguments.pop("batch_size", None)
        rows = await self._rows(io, stages, joined, **_stages.options_of(arguments))
        return rows[0]["n"] if rows else 0

    async def _rows(
        self,
        io: IO,
        stages: list[RawDocument],
        joined: Mapping[str, Join],
        **options: object,
    ) -> list[RawDocument]:
        """Return the rows of a pipeline (`aggregate`).

        :param joined: the joins in it
        """
        collection = await self._open_to_read(io)
        self._check_joins(io, collection, joined)
        cursor = await io(collection.aggregate, stages, **options)
        return await Batches(cursor).drain(io)

    async def _filter_to_write(
        self,
        io: IO,
        upsert: bool = False,
        limit: int | None = None,
        order: object = None,
    ) -> RawDocument:
        """Return the filter of the documents to change or delete.

        Writes know neither joins nor annotations: the keys of the documents are read
        before, and those that do not match the rest of the filter any more are left.

        :param limit: how many documents there are to be
        :param order: the order that decides which
        :raises OperationError: if what matches are rows of groups, or nothing that
            matches could be inserted
        """
        spec = self._spec
        condition = spec.filter()
        if not spec.needs_pipeline({"sort": order or ()}):
            return condition
        if spec.groups is not None:
            raise OperationError("Rows of groups cannot be changed or deleted")
        if upsert:
            raise OperationError(
                "An upsert through references is not possible: what is inserted would "
                "not match them"
            )
        keyed = spec.replace(lookups=(), loaded_fields=QueryFieldList())
        arguments = keyed.find(ordered=False, limit=limit)
        arguments.pop("skip", None)
        if order:
            arguments["sort"] = order
        joined: dict[str, Join] = {}
        stages = [*keyed.find_pipeline(arguments, joined), {"$project": {"_id": 1}}]
        rows = await self._rows(io, stages, joined, **_stages.options_of(arguments))
        keys = [row["_id"] for row in rows]
        return {**_stages.local_part(condition), "_id": {"$in": keys}}

    def _check_joins(
        self, io: IO, collection: AnyCollection, joins: Mapping[str, Join]
    ) -> None:
        """Raise an InvalidQueryError if a join leads to another database."""
        for join in joins.values():
            alias = join.cls._get_db_alias()
            if alias == self._spec.alias:
                continue
            there, here = connection.database(io, alias), collection.database
            if there.name != here.name or there.client != here.client:
                raise InvalidQueryError(
                    f'"{join.reference.name}" cannot be joined: the documents of '
                    f'{join.cls.__name__} are behind the alias "{alias}", and $lookup '
                    f"reads the database of {self._spec.document.__name__} alone"
                )

    def _plain_conditions(self) -> RawDocument:
        """Return the filter, for commands that know neither joins nor annotations.

        :raises InvalidQueryError: if it needs them
        """
        spec = self._spec
        conditions = spec.conditions
        if spec.needs_pipeline({}):
            raise InvalidQueryError(
                "A filter through references or on annotations is not possible here: "
                "filter by keys instead"
            )
        return dict(_query.NO_DOCUMENT) if spec.is_void else conditions
