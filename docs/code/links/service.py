"""Short links over HTTP: `uvicorn service:app`."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from fastapi.responses import RedirectResponse

from models import Link
from mongoengine import NotUniqueError, connect_async, disconnect_async

LinkIn = Link.pydantic_model(include=["slug", "url"], name="LinkIn")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    host = os.environ.get("MONGODB_URI", "embedded://")
    await connect_async("links", host=host, uuidRepresentation="standard")
    yield
    await disconnect_async()


app = FastAPI(lifespan=lifespan)


@app.post("/links", status_code=201)
async def create(data: LinkIn) -> Link:
    try:
        return await Link(**data.model_dump()).async_save(force_insert=True)
    except NotUniqueError:
        raise HTTPException(409, "this name is taken") from None


@app.get("/links")
async def most() -> list[Link]:
    return await Link.objects.order_by("-hits").limit(10).async_to_list()


@app.get("/{slug}")
async def follow(slug: str) -> RedirectResponse:
    link = await Link.objects(slug=slug).async_modify(inc__hits=1)
    if link is None:
        raise HTTPException(404)
    return RedirectResponse(link.url)
