"""The bookshop as a blocking service, on the documents of the asynchronous one.

cd docs/code && flask --app bookshop.web run
"""

import contextlib
from collections.abc import Iterator

from flask import Flask, Response, abort, g, jsonify, request, stream_with_context
from werkzeug.exceptions import HTTPException

from bookshop.models import Book, Line, Order
from bookshop.settings import PAGE_SECRET, SETTINGS, database_of
from mongoengine import InvalidQueryError, NotUniqueError, ValidationError, connect
from mongoengine.context_managers import using_db, with_transaction

CHUNK = 64 * 1024

# One client for the process, with a pool for its threads.  No server is asked yet, so
# that a worker may be forked after this.
connect(**SETTINGS)
app = Flask(__name__)
prepared: set[str] = set()


# Every request works in the database of its tenant, from its first handler to the end
# of its context: all in one thread.


@app.before_request
def enter_tenant() -> None:
    try:
        database = database_of(request.headers.get("X-Tenant", ""))
    except ValueError as error:
        abort(400, str(error))
    g.blocks = contextlib.ExitStack()
    g.blocks.enter_context(using_db(database))
    if database not in prepared:
        Book.ensure_indexes()
        Order.ensure_indexes()
        prepared.add(database)


@app.teardown_request
def leave_tenant(error: BaseException | None) -> None:
    if blocks := g.pop("blocks", None):
        blocks.close()


@app.errorhandler(HTTPException)
def refused(error: HTTPException) -> tuple[Response, int]:
    return jsonify(detail=error.description), error.code or 500


@app.errorhandler(Book.DoesNotExist)
def not_found(error: Exception) -> tuple[Response, int]:
    return jsonify(detail="no such book"), 404


@app.errorhandler(NotUniqueError)
def conflict(error: Exception) -> tuple[Response, int]:
    return jsonify(detail="there is one already"), 409


@app.errorhandler(ValidationError)
def invalid(error: ValidationError) -> tuple[Response, int]:
    return jsonify(detail=error.to_dict()), 422


def shown(book: Book) -> dict[str, object]:
    return book.to_dict("json", exclude=["id", "cover"])


@app.post("/books")
def create_book() -> tuple[Response, int]:
    book = Book.from_dict(request.get_json()).save(force_insert=True)
    return jsonify(shown(book)), 201


@app.get("/books")
def list_books() -> Response:
    author = request.args.get("author")
    books = Book.objects(authors=author) if author else Book.objects
    try:
        page = books.order_by("-added").paginate(
            size=min(request.args.get("size", 20, int), 100),
            after=request.args.get("after"),
            secret=PAGE_SECRET,
        )
    except (InvalidQueryError, ValueError) as error:
        abort(400, str(error))
    return jsonify(items=[shown(book) for book in page], next=page.next)


@app.get("/books/<isbn>")
def read_book(isbn: str) -> Response:
    return jsonify(shown(Book.objects.get(isbn=isbn)))


@app.patch("/books/<isbn>")
def change_book(isbn: str) -> Response:
    book = Book.objects.get(isbn=isbn)
    for name, value in request.get_json().items():
        if name not in ("title", "authors", "cents", "stock"):
            abort(422, f"{name} cannot be changed")
        setattr(book, name, value)
    return jsonify(shown(book.save()))


@app.post("/orders")
def create_order() -> tuple[Response, int]:
    data = request.get_json()

    def place() -> Order:
        order = Order(customer=data["customer"])
        for wanted in data["lines"]:
            isbn, copies = wanted["isbn"], wanted["copies"]
            book = Book.objects(isbn=isbn, stock__gte=copies).modify(dec__stock=copies)
            if book is None:
                abort(409, f"not enough copies of {isbn}")
            order.lines.append(Line(book=book, copies=copies, cents=book.cents))
        return order.save()

    order = with_transaction(place)
    return jsonify(id=str(order.id), cents=order.cents), 201


@app.put("/books/<isbn>/cover")
def store_cover(isbn: str) -> tuple[str, int]:
    book = Book.objects.get(isbn=isbn)
    chunks = iter(lambda: request.stream.read(CHUNK), b"")
    book.cover.replace(chunks, content_type=request.content_type)
    book.save()
    return "", 204


@app.get("/books/<isbn>/cover")
def read_cover(isbn: str) -> Response:
    book = Book.objects.get(isbn=isbn)
    if book.cover.get() is None:
        abort(404, "no cover")

    def chunks() -> Iterator[bytes]:
        while chunk := book.cover.read(CHUNK):
            yield chunk

    return Response(stream_with_context(chunks()), mimetype=book.cover.content_type)
