"""Documents as plain data, and as types that Pydantic understands.

`dump` makes plain dicts of documents, `load` documents of plain dicts, `annotations`
says which Python type a field has, and `pydantic_types` makes schemas of that.
They are imported when one of their functions is called; Pydantic, when one of its
schemas is asked for.
"""

from typing import TYPE_CHECKING

from mongoengine.driver.deferred import deferring

if not TYPE_CHECKING:
    __getattr__ = deferring(__name__, "dump load")
