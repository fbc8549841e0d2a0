"""Deleting documents, and the rules for what refers to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from mongoengine import signals
from mongoengine.connection import _get_session
from mongoengine.driver.io import asynchronous, blocking
from mongoengine.errors import OperationError
from mongoengine.operations.read import Reading

if TYPE_CHECKING:
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session

__all__ = ("CASCADE", "DENY", "DO_NOTHING", "NULLIFY", "PULL", "Deleting")

D = TypeVar("D")

DO_NOTHING = 0
NULLIFY = 1
CASCADE = 2
DENY = 3
PULL = 4


class Deleting(Reading[D]):
    """The operations that delete documents."""

    async def _delete(
        self,
        io: IO,
        write_concern: Mapping[str, Any] | None = None,
        _from_doc_delete: bool = False,
        cascade_refs: set[Any] | None = None,
        *,
        session: Session = None,
    ) -> int | None:
        """Delete the documents that match (`delete`).

        Delete rules of fields that refer to this class apply.  Where signals have
        receivers, or with `skip` or `limit`, documents are deleted one by one.

        :param write_concern: options of a PyMongo `WriteConcern`
        :param session: a PyMongo session to work in
        :returns: the number of documents; None where writes are not acknowledged
        :raises OperationError: if a rule `DENY` forbids it
        """
        if self._is_void:
            return 0
        if not _from_doc_delete and (
            self._skip or self._limit or self._tells_of_deletions()
        ):
            return await self._delete_each(io, write_concern)
        rules = list(self._delete_rules())
        if rules:
            await self._apply_rules(io, rules, write_concern, cascade_refs)
        return await self._send_delete(io, "delete_many", write_concern)

    delete = blocking(_delete)
    async_delete = asynchronous(_delete)

    async def _delete_one(
        self,
        io: IO,
        write_concern: Mapping[str, Any] | None = None,
        *,
        session: Session = None,
    ) -> int | None:
        """Delete the first of the documents that match (`delete`).

        Delete rules and signals apply as with `delete`.

        :param write_concern: options of a PyMongo `WriteConcern`
        :param session: a PyMongo session to work in
        :returns: 1 or 0; None where writes are not acknowledged
        :raises OperationError: if a rule `DENY` forbids it
        """
        if self._is_void:
            return 0
        if (
            self._skip
            or self._sort_keys()
            or self._tells_of_deletions()
            or any(self._delete_rules())
        ):
            return await self._with(_limit=1)._delete_each(io, write_concern)
        return await self._send_delete(io, "delete_one", write_concern)

    delete_one = blocking(_delete_one)
    async_delete_one = asynchronous(_delete_one)

    async def _send_delete(
        self, io: IO, method: str, write_concern: Mapping[str, Any] | None
    ) -> int | None:
        collection = await self._open_to_write(io, write_concern)
        delete = getattr(collection, method)
        options = self._common_options()
        result = await io(delete(self._filter(), session=_get_session(), **options))
        return result.deleted_count if result.acknowledged else None

    def _tells_of_deletions(self) -> bool:
        """Whether anyone receives the signals of deletions."""
        return signals.signals_available and any(
            signal.receivers and signal.has_receivers_for(self._document)
            for signal in (signals.pre_delete, signals.post_delete)
        )

    async def _delete_each(
        self, io: IO, write_concern: Mapping[str, Any] | None
    ) -> int:
        """Delete document by document, each by its own `delete`."""
        documents = self._with(_scalar=[], _values=None, _as_pymongo=False)
        convert = documents._converter()
        batches = await documents._start(io)
        count = 0
        try:
            while batches is not None and batches.more:
                for document in convert(await batches.read(io)):
                    await io.call(document, "delete", **(write_concern or {}))
                    count += 1
        finally:
            if batches is not None:
                await batches.close(io)
        return count

    def _delete_rules(self) -> Iterator[tuple[Any, str, int]]:
        """Owner, field and rule of what refers to this class."""
        rules = self._document._meta.get("delete_rules") or {}
        for (owner, field), rule in rules.items():
            if rule in (NULLIFY, CASCADE, DENY, PULL) and not owner._meta.get(
                "abstract"
            ):
                yield owner, field, rule

    async def _apply_rules(
        self,
        io: IO,
        rules: list[tuple[Any, str, int]],
        write_concern: Mapping[str, Any] | None,
        cascade_refs: set[Any] | None,
    ) -> None:
        make = self._document_maker()
        doomed = [make(raw) for raw in await self._read_all(io)]
        for owner, field, rule in rules:
            if rule == DENY:
                await self._deny(io, owner, field, doomed)
        for owner, field, rule in rules:
            if rule == CASCADE:
                met = set() if cascade_refs is None else cascade_refs
                await self._cascade(io, owner, field, doomed, write_concern, met)
            elif rule == NULLIFY:
                referring = owner.objects(**{f"{field}__in": doomed})
                await io.call(
                    referring,
                    "update",
                    write_concern=write_concern,
                    **{f"unset__{field}": 1},
                )
            elif rule == PULL:
                referring = owner.objects(**{f"{field}__in": doomed})
                await io.call(
                    referring,
                    "update",
                    write_concern=write_concern,
                    **{f"pull_all__{field}": doomed},
                )

    async def _deny(self, io: IO, owner: Any, field: str, doomed: list[Any]) -> None:
        referring = owner.objects(**{f"{field}__in": doomed}).limit(1)
        if await io.call(referring, "count"):
            raise OperationError(
                f"Could not delete document ({owner.__name__}.{field} refers to it)"
            )

    async def _cascade(
        self,
        io: IO,
        owner: Any,
        field: str,
        doomed: list[Any],
        write_concern: Mapping[str, Any] | None,
        met: set[Any],
    ) -> None:
        """Delete what refers to the doomed, and was not met on the way here."""
        if self._is_stored_with(owner):
            met.update(document.pk for document in doomed)
        referring = owner.objects(**{f"{field}__in": doomed, "pk__nin": list(met)})
        if await io.call(referring, "count"):
            await io.call(
                referring,
                "delete",
                write_concern=write_concern,
                cascade_refs=met,
            )

    def _is_stored_with(self, owner: Any) -> bool:
        theirs = (owner._get_db_alias(), owner._get_collection_name())
        return theirs == (self._alias, self._collection_name)
