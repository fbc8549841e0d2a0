"""Print the links that are followed most: `python report.py`."""

import os

from models import Link
from mongoengine import connect


def report(count: int = 10) -> list[str]:
    most = Link.objects(hits__gt=0).order_by("-hits").limit(count)
    return [f"{link.hits:6} {link.slug} {link.url}" for link in most]


if __name__ == "__main__":
    host = os.environ.get("MONGODB_URI", "embedded://")
    connect("links", host=host, uuidRepresentation="standard")
    for line in report():
        print(line)
