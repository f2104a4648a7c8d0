"""A price on a tool of an MCP server written in Python: `@paid(feature="pdf-parse")`.

The user whose token the server has checked pays the price of the feature at a Paywalls Connector:
before the tool runs, and gets it back if the tool fails; or after it, for tools that only read.
This file stands alone: copy it into any project that has httpx. PAYWALLS_CONNECTOR_URL says where
the connector is, PAYWALLS_CONNECTOR_TOKEN holds a token that may use, refund and find transactions.
The connector's guide "A price on a tool" (docs/paid.md) tells what happens when something fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import hashlib
import hmac
import inspect
import json
import logging
import os
import secrets
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import httpx

ADDRESS = ""  # where the connector is if PAYWALLS_CONNECTOR_URL is not set
RUN_META, RUN_HEADER = "paywalls/run-id", "x-run-id"
KEPT = 1_000  # so many runs are known in this process, with their results
WAIT_SECONDS = 120.0  # how long a repeated call waits for the first one
ROUNDS = 10  # how often one run may be charged, given back and charged again
TRIES, TRY_SECONDS, ANSWER_MAX, AT_ONCE = 5, 26.0, 1_000_000, 64

NOBODY = "Nobody is signed in here. The tool was not run and nothing was charged: sign in first."
BAD_RUN = "The run id must be text of at most 200 letters. The tool was not run."
OTHER = "This run id was used for another call. Take a new one; nothing was run or charged."
NO_RUN = "This tool takes no run id. Call it without; it was not run and nothing was charged."
BUSY = "This run is still being worked on. Call it again later with the same run id."
NO_RESULT = "The first call of this run ended without a result. Call it again."
WORN = "This run has failed too often. Call the tool with a new run id; nothing was charged."
AWAY = "The payment service cannot be reached, so nothing was charged. Try again in a minute."
CANNOT = "No payment is possible here now: nothing was charged. Tell whoever runs this server."
DOUBT = "It is not known yet whether this was charged. With the same run id it counts only once."
OPEN = "Before this can be used, open this link and allow it or pay in:"

log = logging.getLogger("paywalls.paid")
F = TypeVar("F", bound=Callable[..., Any])
_Json = dict[str, Any]
_UNUSABLE = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError)
_runs: OrderedDict[str, tuple[str, Future[Any]]] = OrderedDict()
_lock = threading.Lock()
_http = httpx.Client(limits=httpx.Limits(max_connections=AT_ONCE))
_threads = ThreadPoolExecutor(AT_ONCE, "paid")
_start = _threads.submit  # what it does goes on when the caller is cancelled


class PaidError(Exception):
    """Why there is no result: a sentence for the model and its user. What is raised is also a
    `ToolError` of the MCP libraries that are loaded, so that they pass it on word for word."""


def paid(
    feature: str,
    *,
    order: Literal["before", "after"] = "before",
    user: Callable[[], str | None] | None = None,
    run_id: Callable[[], str | None] | None = None,
    url: str = "",
    token: str = "",
    timeout: float = 40.0,
) -> Callable[[F], F]:
    """Decorate a tool, sync or async, whose call costs what the connector's feature costs.

    `user` and `run_id` tell who calls and which run it is where the MCP library does not; `url` and
    `token` stand in for the environment; `timeout` is the most seconds for one question to the
    connector with all its repetitions. Raises ValueError for an unknown order, TypeError for a
    function that cannot be sold.
    """
    if order not in ("before", "after"):
        raise ValueError(f'order is "before" or "after", not {order!r}')
    price = _Price(feature, order == "before", user, run_id, _Connector(url, token, timeout))

    def decorate(function: F) -> F:
        _refuse_unsuitable(function)
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                return await price.call(_Call(function, function, _awaited, args, kwargs))
        else:

            async def run(*args: Any, **kwargs: Any) -> Any:
                return function(*args, **kwargs)

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                try:  # nothing in it is ever awaited for real: it ends at the first step
                    price.call(_Call(function, run, _blocked, args, kwargs)).send(None)
                except StopIteration as done:
                    return done.value

        return wrapper  # type: ignore[return-value]

    return decorate


@dataclass(frozen=True)
class _Call:
    """One call of a tool; `wait` gives the result of what another thread does."""

    function: Callable[..., Any]
    run: Callable[..., Awaitable[Any]]
    wait: Callable[..., Awaitable[Any]]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    async def result(self, future: Future[Any], seconds: float, late: str = DOUBT) -> Any:
        """What a future of another thread comes to; PaidError if that takes too long."""
        try:
            return await self.wait(future, seconds)
        except TimeoutError:
            raise _error(late) from None

    def request(self) -> Any:
        """The library's request, or None: in `mcp` it is known only to a tool with a Context."""
        fastmcp = sys.modules.get("fastmcp.server.dependencies")
        if fastmcp and (request := fastmcp.fastmcp_request_ctx.get()):
            return request
        for value in filter(_is_context, (*self.args, *self.kwargs.values())):
            with contextlib.suppress(ValueError):  # outside of a request
                return value.request_context
        return None

    def run_id(self) -> Any:
        """The run id that the client sent with the request."""
        request = self.request()
        sent = getattr(request, "params", None) or {"_meta": getattr(request, "meta", None)}
        headers = getattr(getattr(request, "request", None), "headers", {})
        return (sent.get("_meta") or {}).get(RUN_META) or headers.get(RUN_HEADER)

    def fingerprint(self, feature: str, key: bytes) -> str:
        """A keyed hash of the tool and its arguments, without what the library puts in."""
        bound = inspect.signature(self.function).bind(*self.args, **self.kwargs)
        bound.apply_defaults()
        given = [
            [name, value]
            for name, value in bound.arguments.items()
            if name not in _injected(self.function) and not _is_context(value)
        ]
        tool = [feature, self.function.__qualname__]
        text = json.dumps([tool, given], sort_keys=True, default=_comparable)
        return hmac.new(key, text.encode(), "sha256").hexdigest()[:24]


@dataclass(frozen=True)
class _Price:
    feature: str
    before: bool
    user: Callable[[], str | None] | None
    run_id: Callable[[], str | None] | None
    connector: _Connector

    async def call(self, call: _Call) -> Any:
        """The result of a call, or the one that its run had before."""
        user = self.user() if self.user else _subject()
        if not isinstance(user, str) or not user.strip():
            raise _error(NOBODY)
        run_id = self.run_id() if self.run_id else call.run_id()
        if not run_id:
            return await self.sell(call, user, f"paid-{secrets.token_hex(16)}")
        if not isinstance(run_id, str) or len(run_id) > 200 or not run_id.isprintable():
            raise _error(BAD_RUN)
        shop = self.connector
        whose = hashlib.sha256(json.dumps([user, run_id]).encode()).hexdigest()[:32]
        name = f"paid-{whose}-{call.fingerprint(self.feature, shop.token.encode())}"
        if whose not in _runs:
            compared = _start(shop.compare, f"paid-{whose}-", name)
            await call.result(compared, shop.longest, AWAY)
        future, first = _claim(whose, name)
        if not first:
            return await call.result(future, WAIT_SECONDS, BUSY)
        try:
            result = await self.sell(call, user, name)
        except BaseException as error:
            said = str(error) if isinstance(error, PaidError) else NO_RESULT
            future.set_exception(_error(said))
            raise
        future.set_exception(_error(NO_RESULT)) if _failed(result) else future.set_result(result)
        return result

    async def sell(self, call: _Call, user: str, name: str) -> Any:
        """Run the tool and charge for it under the reference `name`, in the order of this price."""
        shop, charge, reference = self.connector, None, ""
        if not self.before:
            check = _start(shop.charge, user, self.feature, name, test=True)
            await call.result(check, shop.longest, AWAY)
        try:
            if self.before:
                charge = _start(shop.charge, user, self.feature, name)
                reference = await call.result(charge, shop.longest)
            try:
                result = await call.run(*call.args, **call.kwargs)
            except Exception as error:
                said = await call.result(_start(shop.refund, reference), shop.longest)
                raise _told(error, said) from error
            if _failed(result):
                await call.result(_start(shop.refund, reference), shop.longest)
            elif not self.before:
                charge = _start(shop.charge, user, self.feature, name)
                await call.result(charge, shop.longest)
        except BaseException as error:
            if charge and not (charge.done() and isinstance(error, Exception)):
                _start(lambda: shop.refund(charge.result()))  # cancelled, or given up: undo it
            raise
        return result


@dataclass(frozen=True, repr=False)
class _Connector:
    given_url: str
    given_token: str
    timeout: float

    @property
    def token(self) -> str:
        return (self.given_token or os.environ.get("PAYWALLS_CONNECTOR_TOKEN", "")).strip()

    @property
    def longest(self) -> float:
        return self.timeout + 5  # for an answer that comes, but never comes to its end

    def charge(self, user: str, feature: str, name: str, test: bool = False) -> str:
        """The reference that was charged, "" if it was free; with `test` only whether it could be.
        What was given back is charged anew under another reference. Raises PaidError."""
        for number in range(1, ROUNDS + 1):
            reference = name if number == 1 else f"{name}-{number}"
            values = {"user": user, "feature": feature, "reference": reference}
            answer = self.ask("use", values | ({"test": True} if test else {}))
            outcome, message = answer.get("outcome"), str(answer.get("message", ""))
            if answer.get("success") is True or (test and outcome == "would_use"):
                return "" if outcome == "free" else reference
            if outcome != "refunded":
                link = str(answer.get("action_url") or "")
                message = OPEN if test and link else message
                raise _error(message if link in message else f"{message} {link}")
        raise _error(WORN)

    def refund(self, reference: str) -> str:
        """Give back what was charged; what became of it, in a sentence."""
        if not reference:
            return "Nothing was charged."
        whom = f"Ask whoever runs this server, and name the reference {reference}."
        try:
            answer = self.ask("refund", {"reference": reference, "reason": "The tool failed"})
        except PaidError:
            log.error("it is not known whether %s was given back", reference)
            return f"It is not known yet whether the price was given back. {whom}"
        if answer.get("outcome") in ("refunded", "nothing_to_refund"):
            return "The price was given back."
        log.warning("%s was not given back: %s", reference, answer.get("outcome"))
        return f"The charge stands, because this paywall cannot give money back. {whom}"

    def compare(self, whose: str, name: str) -> None:
        """Raises PaidError where this run was for other arguments in another process, if the token
        may look; if it may not, they are a run of their own."""
        rows = self.ask("transactions", {"begins": whose}).get("items", [])
        if any(not str(row["reference"]).startswith(name) for row in rows):
            raise _error(OTHER)

    def ask(self, action: str, values: _Json) -> _Json:
        """The answer to a question that may be repeated. Raises PaidError if there is none."""
        said, ends = AWAY, time.monotonic() + self.timeout
        doubt = False
        for number in range(TRIES):
            pause = 0.25 * 2**number
            try:
                status, answer, retry_after = self.post(action, values, ends)
                same = answer.get("reference") == values.get("reference")
                if status == 200 and same and ("outcome" in answer or "items" in answer):
                    return answer
                code, said = answer["code"], str(answer["message"])
                log.warning("%s: %s: %s", action, code, said)
                if code == "not_allowed_by_token" and action == "transactions":
                    return {}
                if answer["retryable"] is not True and not doubt:
                    raise _error(CANNOT)
                pause = retry_after or pause
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
                log.warning("%s: the connector cannot be reached", action)
            except (*_UNUSABLE, UnicodeEncodeError) as error:
                log.error("the address or the token cannot be used: %s", type(error).__name__)
                raise _error(CANNOT) from None
            except (httpx.HTTPError, ValueError, KeyError):
                log.warning("%s: no answer that can be read", action)
                doubt = action != "transactions" and "test" not in values
            if number + 1 == TRIES or time.monotonic() + pause > ends:
                break
            time.sleep(pause)
        raise _error(f"{DOUBT} Its reference is {values['reference']}." if doubt else said)

    def post(self, action: str, values: _Json, ends: float) -> tuple[int, _Json, float]:
        """Status and JSON object of one answer, and the seconds that it asks to wait."""
        url = self.given_url or os.environ.get("PAYWALLS_CONNECTOR_URL", "") or ADDRESS
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Encoding": "identity"}
        ends = min(ends, time.monotonic() + TRY_SECONDS)
        limit = httpx.Timeout(max(0.1, ends - time.monotonic()), connect=5, pool=5)
        to, content = f"{url.rstrip('/')}/v1/{action}", b""
        with _http.stream("POST", to, json=values, headers=headers, timeout=limit) as response:
            for chunk in response.iter_raw():
                content += chunk
                if len(content) > ANSWER_MAX or time.monotonic() > ends:
                    raise ValueError("the answer is too long")
        answer = json.loads(content)
        answer = {"items": answer} if isinstance(answer, list) else answer
        if not isinstance(answer, dict):
            raise ValueError("the answer is no object")
        wait = response.headers.get("Retry-After", "")
        return response.status_code, answer, float(wait) if wait.isdecimal() else 0.0


async def _awaited(future: Future[Any], seconds: float) -> Any:
    return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(future)), seconds)


async def _blocked(future: Future[Any], seconds: float) -> Any:
    return future.result(seconds)


def _claim(whose: str, name: str) -> tuple[Future[Any], bool]:
    """The future result of a user's run, and whether this call is to work on it."""
    with _lock:
        known, future = _runs.get(whose, (name, None))
        if known != name:
            raise _error(OTHER)
        first = future is None or (future.done() and future.exception() is not None)
        if future is None or first:
            future = Future()
        _runs[whose] = name, future
        _runs.move_to_end(whose)
        if len(_runs) > KEPT:
            _runs.pop(next((key for key, (_, one) in _runs.items() if one.done()), ""), None)
        return future, first


def _error(text: str) -> PaidError:
    modules = ("mcp.server.mcpserver.exceptions", "fastmcp.exceptions")
    return _kind(*(sys.modules[name].ToolError for name in modules if name in sys.modules))(text)


@functools.cache
def _kind(*kinds: type[Exception]) -> type[PaidError]:
    return type("PaidError", (PaidError, *kinds), {})


def _told(error: Exception, said: str) -> PaidError:
    """What the model is told of a tool that failed: its words if it meant them to be read. Raises
    the error itself if it is one of the protocol."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "MCPError" in kinds:
        raise error
    if "ToolError" not in kinds:
        log.error("the tool failed", exc_info=error)
    return _error(f"{error if 'ToolError' in kinds else 'The tool failed.'} {said}")


def _failed(result: Any) -> bool:
    """Whether a result says that it is none: an error, or a question before there is one."""
    asks = type(result).__name__ in ("InputRequiredResult", "InputRequiredToolResult")
    return asks or getattr(result, "is_error", False) is True


def _is_context(value: Any) -> bool:
    return hasattr(type(value), "request_context")


def _injected(function: Callable[..., Any]) -> set[str]:
    """The parameters that the library fills in, not the client."""
    finders = {
        "uncalled_for": "get_dependency_parameters",
        "mcp.server.mcpserver.resolve": "find_resolved_parameters",
    }
    loaded = [
        getattr(sys.modules[one], find) for one, find in finders.items() if one in sys.modules
    ]
    return {"self", "cls"}.union(*(find(function) for find in loaded))


def _comparable(value: Any) -> Any:
    """An argument as it is written in every process. Raises PaidError for one that is not."""
    if isinstance(value, (set, frozenset)):
        return sorted(map(repr, value))
    text = repr(value)
    if " at 0x" in text or "***" in text:  # an address, or pydantic hiding a secret
        log.error("a %s cannot be compared, so the tool takes no run id", type(value).__name__)
        raise _error(NO_RUN)
    return [type(value).__name__, text]


def _subject() -> Any:
    """The user of the token that the MCP library has checked: never the client, which is an app."""
    for name in ("fastmcp.server.dependencies", "mcp.server.auth.middleware.auth_context"):
        token = sys.modules[name].get_access_token() if name in sys.modules else None
        if token is not None:
            return token.subject or (token.claims or {}).get("sub")
    return None


def _refuse_unsuitable(function: Any) -> None:
    """Raises TypeError for a tool that is registered already, as its server would go on calling it
    without a price, and for one that yields."""
    if not inspect.isroutine(function) or hasattr(function, "__fastmcp__") or _sold(function):
        raise TypeError("Write @paid(…) below @server.tool(), directly above the function.")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError("A tool with a price returns its result; it does not yield.")


def _sold(function: Any) -> bool:
    """Whether a server of `mcp` holds it as a tool already; nothing on the function tells."""
    for holder in gc.get_referrers(function):
        fields = holder
        with contextlib.suppress(Exception):  # whatever holds it may answer this in its own way
            fields = vars(holder)
        if isinstance(fields, dict) and "parameters" in fields and fields.get("fn") is function:
            return True
    return False
