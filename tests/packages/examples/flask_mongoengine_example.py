"""flask-mongoengine: configuration, query helpers, pagination, forms, JSON, sessions."""

import os

import flask
from flask_mongoengine import MongoEngine, MongoEngineSessionInterface
from flask_mongoengine.wtf import model_form

application = flask.Flask(__name__)
application.config.update(
    SECRET_KEY="for this example only",
    WTF_CSRF_ENABLED=False,
    MONGODB_SETTINGS={
        "db": "packages_flask_mongoengine",
        "host": os.environ["MONGODB_URI"],
        "alias": "default",
    },
)
db = MongoEngine(application)
application.session_interface = MongoEngineSessionInterface(db)


class Page(db.Document):
    title = db.StringField(required=True, max_length=10)
    views = db.IntField(default=0)
    tags = db.ListField(db.StringField())
    meta = {"ordering": ["title"]}


PageForm = model_form(Page)


@application.get("/pages/<title>")
def page(title):
    return flask.jsonify(title=Page.objects.get_or_404(title=title).title)


@application.get("/pages")
def pages():
    page = Page.objects.paginate(page=int(flask.request.args["page"]), per_page=2)
    return flask.jsonify(titles=[one.title for one in page.items], pages=page.pages)


@application.post("/form")
def form():
    form = PageForm(flask.request.form)
    return flask.jsonify(valid=form.validate(), errors=form.errors)


@application.get("/visits")
def visits():
    flask.session["visits"] = flask.session.get("visits", 0) + 1
    return flask.jsonify(visits=flask.session["visits"])


Page.drop_collection()
Page.objects.insert([Page(title=title) for title in "abcde"])
client = application.test_client()
print("found", client.get("/pages/a").json)
print("missing", client.get("/pages/z").status_code)
for number in (1, 3):
    print("page", number, client.get(f"/pages?page={number}").json)
print("first_or_404", Page.objects.first_or_404().title)
print("form", client.post("/form", data={"title": "x", "views": "1"}).json)
print("form", client.post("/form", data={"views": "1"}).json)
print("session", client.get("/visits").json, client.get("/visits").json)
