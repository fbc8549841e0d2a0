"""Document classes as types of Pydantic and FastAPI."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated, Any

import pytest
from bson import ObjectId
from fastapi import Body, FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel, TypeAdapter, ValidationError

from .models import PlainAuthor, PlainColour, PlainPost, PlainTag

POSTS = TypeAdapter(PlainPost)


def errors_of(data: Any) -> list[tuple[Any, ...]]:
    with pytest.raises(ValidationError) as caught:
        POSTS.validate_python(data)
    return [error["loc"] for error in caught.value.errors()]


def test_a_document_is_made_of_json() -> None:
    post = POSTS.validate_json(
        '{"title": "T", "colour": "red", "data": "/wA=", "tags": [{"label": "ab"}],'
        ' "author": "64f000000000000000000002", "day": "2026-01-03", "price": "1.5"}'
    )
    assert isinstance(post, PlainPost)
    assert post.colour is PlainColour.RED
    assert post.data == b"\xff\x00"
    assert isinstance(post.tags[0], PlainTag)
    assert post.number == 5
    assert POSTS.dump_python(post, mode="json")["author"] == "64f000000000000000000002"


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({}, ("title",)),
        ({"title": "T", "number": 0}, ("number",)),
        ({"title": "T", "number": "x"}, ("number",)),
        ({"title": "T", "tags": [{"label": "a"}]}, ("tags", 0, "label")),
        ({"title": "T", "nope": 1}, ("nope",)),
        ({"title": "T", "colour": "green"}, ("colour",)),
        ({"title": "T", "author": "zz"}, ("author",)),
        ({"title": "T", "state": "gone"}, ("state",)),
        ({"title": "T", "counts": {"a": "x"}}, ("counts", "a")),
        ({"title": "forbidden"}, ()),
    ],
)
def test_errors_have_the_path_of_the_field(data: Any, path: Any) -> None:
    assert errors_of(data) == [path]


def test_a_bad_document_has_the_paths_too() -> None:
    assert errors_of(PlainPost(title="T", tags=[PlainTag(label="a")])) == [
        ("tags", 0, "label")
    ]


def test_a_good_document_passes_as_it_is() -> None:
    post = PlainPost(title="T")
    assert POSTS.validate_python(post) is post


def test_documents_in_models() -> None:
    class Page(BaseModel):
        posts: list[PlainPost]
        author: PlainAuthor | None = None

    page = Page(posts=[PlainPost(title="T")])
    assert page.model_dump(mode="json")["posts"][0]["title"] == "T"
    again = Page.model_validate_json(page.model_dump_json(exclude_none=True))
    assert again.posts[0].title == "T"


def test_json_schema_has_limits_and_recursion() -> None:
    schema = POSTS.json_schema()
    assert schema["required"] == ["title"]
    number = schema["properties"]["number"]["anyOf"][0]
    assert number == {"minimum": 1, "type": "integer"}
    tag = schema["$defs"]["PlainTag"]["properties"]
    assert tag["label"]["minLength"] == 2
    assert tag["inside"]["anyOf"][0]["items"] == {"$ref": "#/$defs/PlainTag"}
    assert TypeAdapter(PlainAuthor).json_schema(mode="serialization")["title"]


def test_models_for_creating_and_patching() -> None:
    create = PlainPost.pydantic_model(exclude=["id"], name="PostCreate")
    patch = PlainPost.pydantic_model(
        include=["title", "number"], optional=True, name="PostPatch"
    )
    assert "id" not in create.model_fields
    assert create.model_validate({"title": "T"}).model_dump(exclude_unset=True) == {
        "title": "T"
    }
    assert patch.model_validate({"number": 3}).model_dump(exclude_unset=True) == {
        "number": 3
    }
    assert patch.model_json_schema()["title"] == "PostPatch"
    assert patch.model_validate(PlainPost(title="T")).model_dump() == {
        "title": "T",
        "number": 5,
    }
    with pytest.raises(ValueError, match="PlainPost has no field nothing"):
        PlainPost.pydantic_model(exclude=["nothing"])
    assert PlainPost.pydantic_model() is PlainPost.pydantic_model()


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    author = PlainAuthor(id=ObjectId("64f000000000000000000002"), name="Ada")

    @app.post("/posts")
    def create(post: Annotated[PlainPost, Body()]) -> PlainPost:
        return post

    @app.get("/authors")
    def authors() -> list[PlainAuthor]:
        return [author]

    @app.get("/model", response_model=PlainAuthor)
    def model() -> Any:
        return author

    @app.get("/bad")
    def bad() -> PlainAuthor:
        return PlainAuthor(name="far too long a name")

    @app.get("/bare")
    def bare() -> Any:
        return author

    return TestClient(app, raise_server_exceptions=False)


def test_a_body_and_an_answer(client: TestClient) -> None:
    answer = client.post("/posts", json={"title": "T", "tags": [{"label": "ab"}]})
    assert answer.status_code == 200
    assert answer.json()["tags"] == [{"label": "ab", "inside": []}]
    refused = client.post("/posts", json={"title": "T", "tags": [{"label": "a"}]})
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"] == ["body", "tags", 0, "label"]


def test_answers(client: TestClient) -> None:
    ada = {"id": "64f000000000000000000002", "name": "Ada"}
    assert client.get("/authors").json() == [ada]
    assert client.get("/model").json() == ada
    assert client.get("/bad").status_code == 500


def test_a_bare_document_is_never_an_empty_object(client: TestClient) -> None:
    answer = client.get("/bare")
    assert answer.text != "{}"
    assert answer.status_code == 500  # an ObjectId is nothing that it can write


def test_openapi_has_the_schemas(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert {"PlainAuthor", "PlainColour"} <= schemas.keys()
    assert schemas["PlainAuthor"]["properties"]["name"]["maxLength"] == 10


def test_pydantic_is_not_imported_by_the_library() -> None:
    code = "import sys, mongoengine; print('pydantic' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=240
    )
    assert done.stdout == "False\n", done.stderr
