"""flask-admin: the pages of documents, over HTTP requests."""

import os

import flask
from flask_admin import Admin
from flask_admin.contrib.mongoengine import ModelView

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

connect("packages_flask_admin", host=os.environ["MONGODB_URI"])


class Address(EmbeddedDocument):
    street = StringField()


class Team(Document):
    name = StringField(required=True)

    def __str__(self):
        return self.name


class User(Document):
    name = StringField(required=True, max_length=10)
    age = IntField()
    tags = ListField(StringField())
    address = EmbeddedDocumentField(Address)
    team = ReferenceField(Team)


class UserView(ModelView):
    column_list = ["name", "age", "team"]
    column_searchable_list = ["name"]
    column_filters = ["age"]
    column_sortable_list = ["name", "age"]


User.drop_collection()
Team.drop_collection()
team = Team(name="blue").save()
application = flask.Flask(__name__)
application.config.update(SECRET_KEY="for this example only", WTF_CSRF_ENABLED=False)
admin = Admin(application, name="example")
admin.add_view(UserView(User))
admin.add_view(ModelView(Team))
client = application.test_client()


def show(label, response, *words):
    print(label, response.status_code, [word in response.text for word in words])


show("empty list", client.get("/admin/user/"), "There are no items")
form = {"name": "Ada", "age": "36", "tags-0": "x", "address-street": "Main Street"}
show("create page", client.get("/admin/user/new/"), "address-street")
show("create", client.post("/admin/user/new/", data={**form, "team": str(team.pk)}))
user = User.objects.get()
print("stored", user.name, user.age, user.tags, user.address.street, user.team.name)
show("list", client.get("/admin/user/?sort=0"), "Ada", "blue")
show("search", client.get("/admin/user/?search=Ada"), "Ada")
show("search nothing", client.get("/admin/user/?search=Zoe"), "Ada")
show("filter", client.get("/admin/user/?flt0_0=36"), "Ada")
show("edit", client.post(f"/admin/user/edit/?id={user.pk}", data={**form, "age": "37"}))
print("edited", User.objects.get().age)
show("refused", client.post("/admin/user/new/", data={"age": "1"}), "required")
show("delete", client.post("/admin/user/delete/", data={"id": str(user.pk)}))
print("left", User.objects.count())
