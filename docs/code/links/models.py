"""Short links."""

from mongoengine import DateTimeField, Document, IntField, StringField, URLField


class Link(Document):
    slug = StringField(primary_key=True, regex=r"^[a-z0-9-]+$", max_length=40)
    url = URLField(required=True)
    hits = IntField(default=0)
    made = DateTimeField(auto_now_add=True)

    meta = {"indexes": ["-hits"], "safe_values": True}
