"""Flask-Security: users and roles in documents, signing in and out over HTTP requests."""

import os

import flask
from flask_security import (
    MongoEngineUserDatastore,
    RoleMixin,
    Security,
    UserMixin,
    auth_required,
    hash_password,
    roles_required,
)

import mongoengine
from mongoengine import (
    BooleanField,
    DateTimeField,
    Document,
    ListField,
    ReferenceField,
    StringField,
    connect,
)

connect("packages_flask_security", host=os.environ["MONGODB_URI"])


class Role(Document, RoleMixin):
    name = StringField(max_length=80, unique=True)
    description = StringField(max_length=255)
    permissions = ListField(required=False)


class User(Document, UserMixin):
    # Not unique: the embedded server looks in an index for letters of the case asked for.
    email = StringField(max_length=255)
    password = StringField(max_length=255)
    active = BooleanField(default=True)
    fs_uniquifier = StringField(max_length=64, unique=True)
    confirmed_at = DateTimeField()
    roles = ListField(ReferenceField(Role), default=[])


User.drop_collection()
Role.drop_collection()
application = flask.Flask(__name__)
application.config.update(
    SECRET_KEY="for this example only",
    SECURITY_PASSWORD_SALT="1234567890",
    SECURITY_PASSWORD_HASH="pbkdf2_sha512",
    SECURITY_PASSWORD_SCHEMES=["pbkdf2_sha512"],
    SECURITY_DEPRECATED_PASSWORD_SCHEMES=[],
    SECURITY_PASSWORD_SINGLE_HASH=["pbkdf2_sha512"],
    WTF_CSRF_ENABLED=False,
    TESTING=True,
)
store = MongoEngineUserDatastore(mongoengine, User, Role)
application.security = Security(application, store)


@application.get("/private")
@auth_required()
def private():
    return "private"


@application.get("/editors")
@auth_required()
@roles_required("editor")
def editors():
    return "editors"


with application.app_context():
    store.find_or_create_role("editor", description="edits")
    store.create_user(email="ada@example.com", password=hash_password("password"))
    user = store.find_user(email="ada@example.com")
    print("user", user.email, user.is_active, [role.name for role in user.roles])

client = application.test_client()
print(
    "anonymous",
    client.get("/private", headers={"Accept": "application/json"}).status_code,
)
login = {"email": "ada@example.com", "password": "password"}
print("wrong", client.post("/login", json={**login, "password": "no"}).status_code)
print("login", client.post("/login", json=login).status_code)
print("private", client.get("/private").status_code)
print("not editor", client.get("/editors").status_code)
with application.app_context():
    user = store.find_user(email="ada@example.com")
    store.add_role_to_user(user, "editor")
    print("roles", [role.name for role in User.objects.get().roles])
print("editor", client.get("/editors").status_code, client.get("/editors").text)
print("logout", client.post("/logout", json={}).status_code)
with application.app_context():
    store.deactivate_user(store.find_user(email="ada@example.com"))
    print("active", User.objects.get().active)
    store.delete_user(store.find_user(email="ada@example.com"))
    print("left", User.objects.count())
