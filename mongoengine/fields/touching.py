"""Upstream has no such module; `may_block` is in `base.awaiting`."""

from mongoengine.base.awaiting import may_block

__all__ = ("may_block",)
