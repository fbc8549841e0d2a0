"""A change of stored documents: `author: "Ada & Grace"` becomes a list `authors`.

    cd docs/code && python -m bookshop.migrate TENANT [--batch 500]

It goes through the collection in the order of the keys, in batches.  Each batch is one
command, and skips documents that have been changed already, so that it does no harm
to repeat it.  How far it came is stored after each batch: a run that was stopped goes
on there.  Old documents are read as plain dicts: the class does not know them any more.
"""

import argparse
from typing import Any

from bookshop.models import Book, Migration, now
from bookshop.settings import SETTINGS, database_of
from mongoengine import connect
from mongoengine.context_managers import using_db
from mongoengine.queryset.bulk import UpdateOne

NAME = "authors of books"
OLD = {"author": {"$exists": True}}


def change(book: dict[str, Any]) -> UpdateOne:
    """Return the update of one old document."""
    authors = [name.strip() for name in book["author"].split("&")]
    return UpdateOne(
        # Somebody may have changed it since it was read: then it is left as it is.
        {"__raw__": {"_id": book["_id"], "author": book["author"]}},
        {"__raw__": {"$set": {"authors": authors}, "$unset": {"author": 1}}},
    )


def next_batch(state: Migration, size: int) -> list[dict[str, Any]]:
    beyond = {"_id": {"$gt": state.position}} if state.position else {}
    books = Book.objects(__raw__={**OLD, **beyond}).order_by("id").limit(size)
    return books.as_pymongo().to_list()


def migrate(size: int) -> Migration:
    state = Migration.objects(name=NAME).first() or Migration(name=NAME).save()
    while True:
        while books := next_batch(state, size):
            result = Book.objects.bulk_write(map(change, books), ordered=False)
            state.position = books[-1]["_id"]
            state.changed += result.modified_count
            state.save()
            print(f"{state.changed} changed", flush=True)
        if not Book.objects(__raw__=OLD).limit(1).count():
            state.finished = now()
            return state.save()
        # Old programs went on writing old documents: begin again.
        state.position = None


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("tenant")
    options.add_argument("--batch", type=int, default=500)
    chosen = options.parse_args()

    connect(**SETTINGS)
    with using_db(database_of(chosen.tenant)):
        state = migrate(chosen.batch)
    print(f"finished: {state.changed} changed")


if __name__ == "__main__":
    main()
