"""Ask the search index of the built documentation for words that readers look for.

    python docs/search_words.py docs/_build

A word finds its page if a title of this page has it, as it does in the browser, where
titles count more than text. Exits with 1 if one is not found.
"""

from __future__ import annotations

import json
import pathlib
import sys

from sphinx.search.en import SearchEnglish

WORDS = {
    "pagination": "howto/pagination",
    "FastAPI": "howto/fastapi",
    "Flask": "howto/flask",
    "Celery": "howto/workers",
    "event loops": "howto/workers",
    "Pydantic": "howto/plain_data",
    "JSON": "howto/plain_data",
    "logging": "howto/logging_monitoring",
    "monitoring": "howto/logging_monitoring",
    "text search": "howto/text_search",
    "array filters": "howto/updating",
    "positional updates": "howto/updating",
    "updating atomically": "howto/updating",
    "save_condition": "howto/updating",
    "upsert": "howto/updating",
    "read preference": "howto/connecting",
    "replica sets": "howto/connecting",
    "TLS": "howto/connecting",
    "authentication": "howto/connecting",
    "URI": "howto/connecting",
    "pools": "howto/connecting",
    "aliases": "howto/connecting",
    "deployment": "howto/connecting",
    "fork": "howto/connecting",
    "typing": "howto/types",
    "mypy": "howto/types",
    "migrating data": "howto/migrating_data",
    "migration data": "howto/migrating_data",
    "schema": "howto/migrating_data",
    "fields": "reference/fields",
    "meta": "reference/meta",
    "operators": "reference/operators",
    "errors": "reference/errors",
    "documents": "howto/documents",
    "embedded documents": "howto/embedded_documents",
    "references": "howto/references",
    "inheritance": "howto/inheritance",
    "indexes": "howto/indexes",
    "querying": "howto/querying",
    "aggregation": "howto/aggregation",
    "joins": "howto/joins",
    "bulk": "howto/bulk",
    "large data": "howto/bulk",
    "transactions": "howto/transactions",
    "change streams": "howto/change_streams",
    "files": "howto/files",
    "signals": "howto/signals",
    "hooks": "howto/signals",
    "validation": "howto/validation",
    "testing": "howto/testing",
    "tenants": "howto/tenants",
    "performance": "howto/performance",
    "reliability": "howto/reliability",
    "security": "howto/security",
    "Django": "howto/packages",
    "GraphQL": "howto/packages",
    "MongoEngine": "howto/migrating",
    "Beanie": "howto/from_beanie",
    "Motor": "howto/from_motor",
    "pull request": "howto/from_pull_request_2891",
    "FAQ": "howto/faq",
    "upstream": "explanation/upstream",
    "vendoring": "howto/installing",
    "embedded server": "howto/embedded_server",
}


def not_found(folder: pathlib.Path) -> list[str]:
    """Return the words that do not find their page in the index of a built folder."""
    source = (folder / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(source[source.index("{") : source.rindex("}") + 1])
    return [
        f"{words}: {page}"
        for words, page in WORDS.items()
        if page not in pages_of(words, index)
    ]


def pages_of(words: str, index: dict[str, object]) -> set[str]:
    """Return the pages with all of the words in a title."""
    names, terms = index["docnames"], index["titleterms"]
    assert isinstance(names, list) and isinstance(terms, dict)
    language = SearchEnglish({})
    found = set(names)
    for word in language.split(words):
        pages = terms.get(language.stem(word.lower()), [])
        found &= {names[n] for n in ([pages] if isinstance(pages, int) else pages)}
    return found


if __name__ == "__main__":
    missing = not_found(pathlib.Path(sys.argv[1]))
    print(*missing or [f"{len(WORDS)} searches find their pages"], sep="\n")
    sys.exit(bool(missing))
