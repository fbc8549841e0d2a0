"""Queries: filters, updates, projections and options, without I/O.

`from mongoengine.query import filters` gives a module that is imported when one of its
functions is first used; see `driver/deferred.py`.
"""

from typing import TYPE_CHECKING

from mongoengine.driver.deferred import deferring

if not TYPE_CHECKING:
    __getattr__ = deferring(__name__, "events filters javascript query results stages")
