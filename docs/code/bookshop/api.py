"""The bookshop as an asynchronous service.

cd docs/code && uvicorn bookshop.api:app
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import (
    APIRouter,
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Query,
    Request,
    WebSocket,
)
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from bookshop.models import Book, Line, Order
from bookshop.settings import PAGE_SECRET, SETTINGS, database_of
from mongoengine import (
    InvalidQueryError,
    NotUniqueError,
    connect_async,
    disconnect_async,
)
from mongoengine.context_managers import async_using_db, async_with_transaction

# The connection lasts as long as the application.


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await connect_async(**SETTINGS)
    yield
    await disconnect_async()


# Every request works in the database of its tenant.  The dependency is `async def`:
# it runs in the task of the request, and so do the endpoints.


prepared: set[str] = set()


async def tenant(x_tenant: Annotated[str, Header()]) -> AsyncIterator[None]:
    try:
        database = database_of(x_tenant)
    except ValueError as error:
        raise HTTPException(400, str(error)) from None
    async with async_using_db(database):
        if database not in prepared:
            # MongoDB creates no indexes in a transaction, so do it before the first.
            await Book.async_ensure_indexes()
            await Order.async_ensure_indexes()
            prepared.add(database)
        yield


app = FastAPI(title="Bookshop", lifespan=lifespan)
shop = APIRouter(dependencies=[Depends(tenant)])


@app.exception_handler(Book.DoesNotExist)
async def not_found(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "no such book"}, 404)


@app.exception_handler(NotUniqueError)
async def conflict(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "there is one already"}, 409)


@app.exception_handler(ClientDisconnect)
async def gone(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "nobody reads this"}, 400)


# What goes in and out: models made from the document classes.

BookOut = Book.pydantic_model(exclude=["id", "cover"], name="BookOut")
BookIn = Book.pydantic_model(exclude=["id", "cover", "added"], name="BookIn")
BookPatch = Book.pydantic_model(
    include=["title", "authors", "cents", "stock"], optional=True, name="BookPatch"
)


class Page(BaseModel):
    items: list[BookOut]
    next: str | None


class LineIn(BaseModel):
    isbn: str
    copies: int = Field(ge=1)


class OrderIn(BaseModel):
    customer: str
    lines: list[LineIn]


class OrderOut(BaseModel):
    id: str
    cents: int


@shop.post("/books", status_code=201)
async def create_book(data: BookIn) -> BookOut:
    book = Book.from_dict(data.model_dump(exclude_unset=True))
    return BookOut.model_validate(await book.async_save())


@shop.get("/books")
async def list_books(
    author: str | None = None,
    size: Annotated[int, Query(ge=1, le=100)] = 20,
    after: str | None = None,
) -> Page:
    books = Book.objects(authors=author) if author else Book.objects
    try:
        page = await books.order_by("-added").async_paginate(
            size=size, after=after, secret=PAGE_SECRET
        )
    except InvalidQueryError as error:
        raise HTTPException(400, str(error)) from None
    return Page(items=page.items, next=page.next)


@shop.get("/books/{isbn}")
async def read_book(isbn: str) -> BookOut:
    return BookOut.model_validate(await Book.objects.async_get(isbn=isbn))


@shop.patch("/books/{isbn}")
async def change_book(isbn: str, patch: BookPatch) -> BookOut:
    book = await Book.objects.async_get(isbn=isbn)
    for name, value in patch.model_dump(exclude_unset=True).items():
        setattr(book, name, value)
    return BookOut.model_validate(await book.async_save())


# An order takes its books off the shelf, all of them or none.


@shop.post("/orders", status_code=201)
async def create_order(data: OrderIn) -> OrderOut:
    async def place() -> Order:
        order = Order(customer=data.customer)
        for wanted in data.lines:
            book = await Book.objects(
                isbn=wanted.isbn, stock__gte=wanted.copies
            ).async_modify(dec__stock=wanted.copies)
            if book is None:
                raise HTTPException(409, f"not enough copies of {wanted.isbn}")
            order.lines.append(Line(book=book, copies=wanted.copies, cents=book.cents))
        return await order.async_save()

    # Two orders for one book conflict: the second runs again.
    order = await async_with_transaction(place)
    return OrderOut(id=str(order.id), cents=order.cents)


# Covers are never in memory as a whole.


@shop.put("/books/{isbn}/cover", status_code=204)
async def store_cover(isbn: str, request: Request) -> None:
    book = await Book.objects.async_get(isbn=isbn)
    await book.cover.async_replace(
        request.stream(), content_type=request.headers.get("content-type")
    )
    await book.async_save()


@shop.get("/books/{isbn}/cover")
async def read_cover(isbn: str) -> StreamingResponse:
    book = await Book.objects.async_get(isbn=isbn)
    if await book.cover.async_get() is None:
        raise HTTPException(404, "no cover")
    return StreamingResponse(aiter(book.cover), media_type=book.cover.content_type)


# Changes of stock are sent while the other end listens.


@shop.websocket("/changes")
async def changes(socket: WebSocket) -> None:
    await socket.accept()

    async def send() -> None:
        await socket.send_json({"ready": True})
        async for change in stream:
            book = change.document
            if book is not None:
                await socket.send_json(
                    {"kind": change.operation, "isbn": book.isbn, "stock": book.stock}
                )

    async def listen() -> None:
        async for _ in socket.iter_text():
            pass  # Until the client goes away, nothing that it says matters.

    async with Book.objects.async_watch() as stream:
        tasks = {asyncio.create_task(send()), asyncio.create_task(listen())}
        _, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


app.include_router(shop)
