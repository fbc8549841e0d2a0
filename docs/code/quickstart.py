"""A small blog, written twice: with the blocking methods, then with the async ones.

    python docs/code/quickstart.py

It starts a MongoDB-compatible server of its own (the `embedded` extra), or uses
the one that the environment variable MONGODB_URI names.  It works in a database
called `mongoengine_quickstart`, and drops its two collections there.
"""

import asyncio
import os
import time
from datetime import datetime, timedelta

from mongoengine import (
    CASCADE,
    DateTimeField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    IntField,
    ListField,
    NotUniqueError,
    Q,
    ReferenceField,
    StringField,
    ValidationError,
    connect,
    connect_async,
    disconnect,
    disconnect_async,
)

SETTINGS = {
    "name": "mongoengine_quickstart",
    "host": os.environ.get("MONGODB_URI", "embedded://"),
    "uuidRepresentation": "standard",
}
START = datetime(2026, 1, 1)


class Author(Document):
    name = StringField(required=True, unique=True, max_length=80)
    email = StringField()

    meta = {"collection": "authors"}


class Comment(EmbeddedDocument):
    by = StringField(required=True)
    text = StringField(required=True)
    votes = IntField(default=0)


class Post(Document):
    title = StringField(required=True, max_length=120)
    author = ReferenceField(Author, reverse_delete_rule=CASCADE)
    tags = ListField(StringField(max_length=30))
    comments = EmbeddedDocumentListField(Comment)
    views = IntField(default=0, min_value=0)
    published = DateTimeField()

    meta = {"collection": "posts", "indexes": ["tags"], "ordering": ["-published"]}


def story(title: str) -> None:
    print(f"\n{title}\n{'-' * len(title)}")


def blocking_blog() -> None:
    story("Blocking")
    connect(**SETTINGS)
    Author.drop_collection()
    Post.drop_collection()

    ada = Author(name="Ada", email="ada@example.com").save()
    grace = Author(name="Grace").save()
    print(f"saved two authors: {ada.name} and {grace.name}")

    Post.objects.insert(
        [
            Post(
                title=title,
                author=author,
                tags=tags,
                published=START + timedelta(days=day),
            )
            for day, (title, author, tags) in enumerate(
                [
                    ("Notes on the engine", ada, ["machines", "mathematics"]),
                    ("A compiler", grace, ["machines", "languages"]),
                    ("A moth in the relay", grace, ["bugs"]),
                ]
            )
        ]
    )
    print(f"inserted {Post.objects.count()} posts")

    post = Post.objects(tags="machines", author=grace).first()
    post.comments.append(Comment(by="Ada", text="At last!"))
    post.views += 1
    post.save()  # sends the two changes, nothing else
    print(f"{post.title!r} by {post.author.name} has {len(post.comments)} comment")

    Post.objects(title__startswith="A ").update(inc__views=10, add_to_set__tags="new")
    for post in Post.objects(Q(tags="new") | Q(author=ada)):
        print(f"  {post.published:%d %B}: {post.title} {post.tags}, {post.views} views")

    try:
        Post(views=-1).save()
    except ValidationError as error:
        print(f"refused: {error}")
    try:
        Author(name="Ada").save()
    except NotUniqueError:
        print("refused: a second author called Ada")

    disconnect()


async def async_blog() -> None:
    story("Async, on the same classes and the same data")
    await connect_async(**SETTINGS)

    linus = await Author(name="Linus").async_save()
    await Post(
        title="Just a hobby",
        author=linus,
        tags=["machines"],
        published=START + timedelta(days=9),
    ).async_save()
    print(f"there are {await Post.objects.async_count()} posts now")

    # Reading does not wait for one answer before it asks the next question.
    newest, titles, by_tag = await asyncio.gather(
        Post.objects.async_first(),
        Post.objects.limit(2).async_scalar("title"),
        Post.objects(tags="machines").async_count(),
    )
    print(f"newest: {newest.title!r}; two titles: {titles}; {by_tag} about machines")

    author = await newest.author  # a reference is awaited
    print(f"{newest.title!r} was written by {author.name}")

    async for post in Post.objects(tags="machines").order_by("title"):
        post.comments.append(Comment(by="Linus", text=f"I read {post.title}"))
        await post.async_save()
    print(f"commented on {await Post.objects(comments__by='Linus').async_count()}")

    pipeline = [
        {"$unwind": "$tags"},
        {"$group": {"_id": "$tags", "posts": {"$sum": 1}}},
        {"$sort": {"posts": -1, "_id": 1}},
    ]
    async for tag in Post.objects.async_aggregate(pipeline):
        print(f"  {tag['_id']}: {tag['posts']}")

    await linus.async_delete()  # and, by the delete rule, what he wrote
    print(f"without Linus there are {await Post.objects.async_count()} posts")

    await Post.async_drop_collection()
    await Author.async_drop_collection()
    await disconnect_async()


if __name__ == "__main__":
    started = time.perf_counter()
    blocking_blog()
    asyncio.run(async_blog())
    print(f"\ndone in {time.perf_counter() - started:.1f} s")
