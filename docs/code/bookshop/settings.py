"""Where the documents are: the same settings for every program of the shop."""

import os
import re

SETTINGS = {
    "name": os.environ.get("BOOKSHOP_DATABASE", "bookshop"),
    "host": os.environ.get("MONGODB_URI", "embedded://"),
    "uuidRepresentation": "standard",
    "appname": "bookshop",
    # Values of a request cannot become operators of a query.
    "safe_values": True,
    # Fail within seconds, not after half a minute, when no server answers.
    "serverSelectionTimeoutMS": 5000,
}

#: Signs the tokens of pages, so that nobody else can make them.
PAGE_SECRET = os.environ.get("PAGE_SECRET", "only for trying")


def database_of(tenant: str) -> str:
    """Return the name of a tenant's database.

    The name of a tenant comes from a request: it must not reach another database.

    :raises ValueError: if the name is not a plain word
    """
    if not re.fullmatch(r"[a-z][a-z0-9]{0,30}", tenant):
        raise ValueError(f"no tenant can be called {tenant!r}")
    return f"{SETTINGS['name']}_{tenant}"
