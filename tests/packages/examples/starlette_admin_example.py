"""starlette-admin: the pages of documents, over HTTP requests."""

import os

from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette_admin.contrib.mongoengine import Admin, ModelView

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    ListField,
    ReferenceField,
    StringField,
    connect,
)

connect("packages_starlette_admin", host=os.environ["MONGODB_URI"])


class Address(EmbeddedDocument):
    street = StringField()


class Team(Document):
    name = StringField(required=True)


class User(Document):
    name = StringField(required=True, min_length=2)
    age = IntField()
    tags = ListField(StringField())
    address = EmbeddedDocumentField(Address)
    team = ReferenceField(Team)


User.drop_collection()
Team.drop_collection()
team = Team(name="blue").save()
admin = Admin()
admin.add_view(ModelView(User))
admin.add_view(ModelView(Team))
application = Starlette()
admin.mount_to(application)
client = TestClient(application, follow_redirects=False)


def show(label, response, *words):
    print(label, response.status_code, [word in response.text for word in words])


form = {
    "name": "Ada",
    "age": "36",
    "tags.0": "x",
    "address.street": "Main Street",
    "team": str(team.pk),
}
show("list page", client.get("/admin/user/list"), "User")
show("create page", client.get("/admin/user/create"), "address.street")
client.headers["X-CSRFToken"] = client.cookies["starlette_admin_csrftoken"]
show("create", client.post("/admin/user/create", data=form))
user = User.objects.get()
print("stored", user.name, user.age, user.address.street, user.team and user.team.name)
this = {"pk": str(user.pk)}
show("detail page", client.get("/admin/user/detail", params=this), "Ada", "Main Street")
edited = {**form, "name": "Grace"}
show("edit", client.post("/admin/user/edit", params=this, data=edited))
print("edited", User.objects.get().name)
show("refused", client.post("/admin/user/create", data={"name": "x"}))
show("listed", client.get("/admin/user/list"), "Grace", "blue")
show("found", client.get("/admin/user/list", params={"q": "Gra"}), "Grace")
show("not found", client.get("/admin/user/list", params={"q": "Zoe"}), ">Grace<")
pages = client.get("/admin/_api/user/relation-lookup", params={"q": "Gra"})
print("look-up", pages.status_code, len(pages.json()["items"]))
delete = {"name": "delete", "pks": str(user.pk)}
show("delete", client.post("/admin/_api/user/action", params=delete))
print("left", User.objects.count())
