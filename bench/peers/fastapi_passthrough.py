"""The same pass-through, written plainly: FastAPI, pydantic and one shared httpx.AsyncClient."""

# It runs in a virtualenv of its own, where FastAPI is installed.
# mypy: disable-error-code="import-not-found, untyped-decorator"

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated, Any

import httpx
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

UPSTREAM = os.environ["BENCH_UPSTREAM_URL"]
# Its default limit of 100 connections would make 500 calls that take a second wait for each other.
LIMITS = httpx.Limits(max_connections=2000, max_keepalive_connections=2000)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with httpx.AsyncClient(timeout=20, limits=LIMITS) as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)
Bearer = Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]
User = Annotated[str, Field(min_length=1, max_length=128)]


class Answer(BaseModel):
    success: bool
    outcome: str
    message: str
    action_url: str = ""


class Balance(Answer):
    user: str
    balance: str
    balance_formatted: str
    balance_raw: str
    sufficient: bool


class ChargeInput(BaseModel):
    model_config = ConfigDict(extra="forbid")
    user: User
    amount: Annotated[Decimal, Field(gt=0, le=10000, decimal_places=6)]
    reference: Annotated[str, Field(min_length=1, max_length=255)]
    description: Annotated[str, Field(max_length=500)] = ""
    metadata: dict[str, Any] = {}


class Charge(Answer):
    user: str
    amount: str
    reference: str


class ChatInput(BaseModel):
    model_config = ConfigDict(extra="forbid")
    user: User
    model: Annotated[str, Field(min_length=1, max_length=200)]
    prompt: Annotated[str, Field(min_length=1, max_length=500_000)]


class Chat(Answer):
    reply: str
    model: str
    finish_reason: str
    completion_id: str
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


async def ask(method: str, path: str, key: str, **options: Any) -> Any:
    client: httpx.AsyncClient = app.state.client
    headers = {"authorization": f"Bearer {key}", **options.pop("headers", {})}
    try:
        response = await client.request(method, UPSTREAM + path, headers=headers, **options)
    except httpx.HTTPError as error:
        raise HTTPException(502, "upstream failed") from error
    if response.status_code != 200:
        raise HTTPException(502, "upstream failed")
    return response.json()


@app.get("/v1/balance")
async def balance(user: Annotated[User, Query()], bearer: Bearer) -> Balance:
    result = await ask("GET", "/user/balance", bearer.credentials, params={"user": user})
    number = Decimal(result["balanceFormatted"].lstrip("$"))
    return Balance(
        success=True,
        outcome="sufficient" if number > 0 else "insufficient",
        message=f"The balance is {result['balanceFormatted']}.",
        user=user,
        balance=str(number),
        balance_formatted=result["balanceFormatted"],
        balance_raw=result["balance"],
        sufficient=number > 0,
    )


@app.post("/v1/charge")
async def charge(values: ChargeInput, bearer: Bearer) -> Charge:
    done = await ask(
        "POST",
        "/user/charge",
        bearer.credentials,
        json={
            "user": values.user,
            "amount": str(values.amount),
            "metadata": values.metadata | {"description": values.description},
        },
        headers={"idempotency-key": values.reference},
    )
    return Charge(
        success=done["success"],
        outcome="charged" if done["success"] else "declined",
        message=done["message"],
        user=values.user,
        amount=str(values.amount),
        reference=values.reference,
    )


@app.post("/v1/chat")
async def chat(values: ChatInput, bearer: Bearer) -> Chat:
    body = {
        "model": values.model,
        "messages": [{"role": "user", "content": values.prompt}],
        "user": values.user,
    }
    done = await ask("POST", "/chat/completions", bearer.credentials, json=body)
    choice = done["choices"][0]
    return Chat(
        success=True,
        outcome="answered",
        message=choice["message"]["content"],
        reply=choice["message"]["content"],
        model=done["model"],
        finish_reason=choice["finish_reason"],
        completion_id=done["id"],
        **done["usage"],
    )


@app.post("/openai/v1/chat/completions")
async def completions(request: Request, bearer: Bearer) -> StreamingResponse:
    client: httpx.AsyncClient = app.state.client
    upstream = client.build_request(
        "POST",
        UPSTREAM + "/chat/completions",
        content=await request.body(),
        headers={
            "authorization": f"Bearer {bearer.credentials}",
            "content-type": "application/json",
        },
    )
    answer = await client.send(upstream, stream=True)

    async def chunks() -> AsyncIterator[bytes]:
        try:
            async for chunk in answer.aiter_raw():
                yield chunk
        finally:
            await answer.aclose()

    return StreamingResponse(
        chunks(), answer.status_code, media_type=answer.headers.get("content-type")
    )
