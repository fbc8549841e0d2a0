"""From index declarations to what `createIndexes` is sent."""

from __future__ import annotations

from typing import Any

__all__ = ("IndexSpecs",)


class IndexSpecs:
    """What a document class can tell of its indexes."""

    __slots__ = ()

    @classmethod
    def _build_index_specs(cls, meta_indexes: list[Any]) -> list[dict[str, Any]]:
        raise NotImplementedError

    @classmethod
    def _build_index_spec(cls, spec: Any) -> dict[str, Any] | None:
        raise NotImplementedError

    @classmethod
    def _unique_with_indexes(cls, namespace: str = "") -> list[dict[str, Any]]:
        raise NotImplementedError

    @classmethod
    def _geo_indices(
        cls, inspected: list[Any] | None = None, parent_field: str | None = None
    ) -> list[dict[str, Any]]:
        raise NotImplementedError
