"""The document that the benchmarks are about, as raw data and as classes.

Twelve fields, five embedded comments, a nested dict and lists: an article of a
busy site.
"""

from __future__ import annotations

import datetime
import random
from typing import Any

import bson

COMMENTS = 5


def raw_article(number: int, comments: int = COMMENTS) -> dict[str, Any]:
    """One article as the database holds it; the same for the same number."""
    rng = random.Random(number)
    at = datetime.datetime(2026, 1, 1) + datetime.timedelta(minutes=number)
    return {
        "_id": bson.ObjectId(f"{number:024x}"),
        "title": f"Article {number}: on the weather of {rng.randrange(1900, 2026)}",
        "slug": f"article-{number}",
        "body": "Nothing much happened. " * 12,
        "views": rng.randrange(100_000),
        "rating": rng.random() * 5,
        "published": True,
        "created": at,
        "author": bson.ObjectId(f"{number % 97:024x}"),
        "tags": [f"tag{rng.randrange(50)}" for _ in range(6)],
        "scores": [rng.randrange(100) for _ in range(8)],
        "extra": {
            "source": {"name": "wire", "lang": "en", "ids": [1, 2, 3]},
            "layout": {"columns": 2, "image": {"w": 640, "h": 480}},
            "flags": ["a", "b"],
        },
        "comments": [
            {
                "author": f"reader{rng.randrange(1000)}",
                "text": "I had not thought of that. " * 3,
                "created": at + datetime.timedelta(hours=hour),
                "votes": rng.randrange(50),
            }
            for hour in range(comments)
        ],
    }


def article_class(name: str = "articles") -> Any:
    """The class for it, of whichever `mongoengine` this process imports."""
    import mongoengine as me

    class Comment(me.EmbeddedDocument):
        author = me.StringField(required=True)
        text = me.StringField(required=True)
        created = me.DateTimeField()
        votes = me.IntField(default=0)

    class Article(me.Document):
        title = me.StringField(required=True, max_length=200)
        slug = me.StringField(required=True)
        body = me.StringField()
        views = me.IntField(default=0)
        rating = me.FloatField()
        published = me.BooleanField(default=False)
        created = me.DateTimeField()
        author = me.ObjectIdField()
        tags = me.ListField(me.StringField())
        scores = me.ListField(me.IntField())
        extra = me.DictField()
        comments = me.ListField(me.EmbeddedDocumentField(Comment))

        meta = {"collection": name}

    return Article


def keywords(comment: Any, raw: dict[str, Any]) -> dict[str, Any]:
    """Return what an application would construct the article with."""
    values = {key: value for key, value in raw.items() if key != "_id"}
    values["comments"] = [comment(**values) for values in raw["comments"]]
    return values


def touch_five(article: Any) -> None:
    _ = article.title
    _ = article.views
    _ = article.created
    _ = article.rating
    _ = article.comments[2].text


def touch_all(article: Any) -> None:
    """Read every field, key and item of an article, as a serialiser would."""
    for name in article._fields_ordered:
        getattr(article, name)
    walk(article.tags)
    walk(article.scores)
    walk(article.extra)
    for comment in article.comments:
        for name in comment._fields_ordered:
            getattr(comment, name)


def touch_fields(document: Any) -> None:
    """Read every field of a document of any class, and of those listed in it."""
    for name in document._fields_ordered:
        value = getattr(document, name)
        if isinstance(value, list):
            for item in value:
                if hasattr(item, "_fields_ordered"):
                    touch_fields(item)


def walk(value: Any) -> None:
    """Read every key and item of plain data."""
    if isinstance(value, dict):
        for item in value.values():
            if isinstance(item, (dict, list)):
                walk(item)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, (dict, list)):
                walk(item)
