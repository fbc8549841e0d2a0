"""Setting what the library keeps about a document.

A dynamic document takes an assignment to any name for data, so that no name in a
request or in a stored document reaches what is kept about it.  What the library sets
does not go by way of that.
"""

from __future__ import annotations

__all__ = ("remove_state", "set_state")

#: `set_state(document, name, value)`
set_state = object.__setattr__

#: `remove_state(document, name)`
remove_state = object.__delattr__
