"""The same pass-through over aiohttp's client instead of httpx: nothing else differs."""

# It runs in the virtualenv of the FastAPI peer.
# mypy: disable-error-code="import-not-found, misc"

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import fastapi_passthrough as plain
from fastapi import FastAPI, HTTPException


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """One shared session, whose connections are not limited, as those of the other one are not."""
    timeout, connector = aiohttp.ClientTimeout(20), aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as client:
        app.state.client = client
        yield


async def ask(method: str, path: str, key: str, **options: Any) -> Any:
    """What upstream answers, as JSON."""
    client: aiohttp.ClientSession = plain.app.state.client
    headers = {"authorization": f"Bearer {key}", **options.pop("headers", {})}
    address = plain.UPSTREAM + path
    try:
        async with client.request(method, address, headers=headers, **options) as response:
            if response.status != 200:
                raise HTTPException(502, "upstream failed")
            return await response.json()
    except aiohttp.ClientError as error:
        raise HTTPException(502, "upstream failed") from error


plain.ask = ask
plain.app.router.lifespan_context = lifespan
app = plain.app
