"""The model list and chat completions, metered, whole or as a stream."""

import time
from collections.abc import Generator, Iterator
from contextlib import closing
from decimal import Decimal

import orjson
from flask import Blueprint, Response

from connector.sandbox import billing
from connector.sandbox.answers import Reply, reply_to
from connector.sandbox.calls import Call, answer, operation
from connector.sandbox.errors import SandboxError
from connector.sandbox.inputs import an_object, flag
from connector.sandbox.models import MODELS, Model, find_model
from connector.sandbox.state import JsonObject, User, new_id
from connector.sandbox.world import Scene

blueprint = Blueprint("chat", __name__)


@operation(blueprint, "models", "GET", "/models")
def models(_call: Call) -> Response:
    """List the models with their prices."""
    return answer({"data": [model.listed() for model in MODELS]})


@operation(blueprint, "chat", "POST", "/chat/completions")
def chat(call: Call) -> Response:
    """Answer a chat; where the user must act first, the answer's words hold the link."""
    user, model = call.user(), find_model(call.body.get("model"))
    reply = reply_to(model, call.body)
    stream = flag(call.body, "stream", False)
    with_usage = flag(an_object(call.body, "stream_options"), "include_usage", False)
    turn = Turn(call.scene, user, model, reply)
    refusal = turn.begin()
    if refusal:
        words = Reply(refusal.message, "stop", 0, 0)
        if stream:
            return _event_stream(turn.chunks(words, pause=0.0))
        return answer(turn.completion(words))
    if model.id == "sandbox-failing":
        turn.fail()
        raise SandboxError(502, "The model provider failed.")
    if stream:
        return _event_stream(turn.stream(with_usage))
    time.sleep(model.wait)
    turn.finish(reply.completion_tokens)
    return answer({**turn.completion(reply), "usage": _usage(reply)})


class Turn:
    """One chat request on its way: its events, its charge and its answer."""

    def __init__(self, scene: Scene, user: User, model: Model, reply: Reply) -> None:
        self._scene, self._user, self._model, self._reply = scene, user, model, reply
        self._id = new_id("chatcmpl").replace("_", "-")
        self._request_id = new_id("req")
        self._created = int(scene.paywall.now())

    def begin(self) -> billing.Refusal | None:
        """Announce the request; return why the user cannot have it, if so."""
        self._emit("started")
        reply = self._reply
        cost = self._model.cost(reply.prompt_tokens, reply.completion_tokens)
        with self._scene.paywall.lock:
            refusal = billing.obstacle(self._scene, self._user, cost)
        if refusal:
            blocked = {"reason": refusal.reason, "requestId": self._request_id}
            self._scene.emit("paywall.request.blocked", blocked, self._user)
            self._scene.emit("paywall.proxy.request.blocked", blocked, self._user)
        return refusal

    def fail(self) -> None:
        """Announce that the model failed; nothing is charged."""
        self._emit("failed", errorCode="provider_error")

    def finish(self, completion_tokens: int, outcome: str = "completed") -> None:
        """Charge for what was written, and announce it."""
        activity = new_id("act")
        prompt_tokens = self._reply.prompt_tokens
        cost: Decimal = self._model.cost(prompt_tokens, completion_tokens)
        used = {
            "activityId": activity,
            "model": self._model.id,
            "promptTokens": prompt_tokens,
            "completionTokens": completion_tokens,
            "cost": cost,
        }
        with self._scene.paywall.lock:
            billing.take(self._scene, self._user, cost, activity, source="chat")
            self._scene.emit("paywall.usage.charge.created", used, self._user)
            self._emit(outcome)

    def completion(self, reply: Reply) -> JsonObject:
        """Return the whole answer, without usage."""
        message: JsonObject = {"role": "assistant", "content": reply.words}
        if reply.tool_call:
            message["tool_calls"] = [reply.tool_call.as_message_part()]
        choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
        return {**self._head("chat.completion"), "choices": [choice]}

    def stream(self, with_usage: bool) -> Generator[JsonObject, None, None]:
        """Yield the answer's chunks, then charge; a client that goes away pays for its part."""
        deferred = {"deferredRequestId": self._request_id, "model": self._model.id}
        self._scene.emit("paywall.usage.charge.deferred", deferred, self._user)
        sent = 0
        try:
            for chunk in self.chunks(self._reply, self._model.wait):
                yield chunk
                sent += 1
        except GeneratorExit:
            self.finish(min(sent, self._reply.completion_tokens), "canceled")
            raise
        self.finish(self._reply.completion_tokens)
        if with_usage:
            head = self._head("chat.completion.chunk")
            yield {**head, "choices": [], "usage": _usage(self._reply)}

    def chunks(self, reply: Reply, pause: float) -> Generator[JsonObject, None, None]:
        """Yield the role, then (after `pause` seconds) the words or the tool call, then the end."""
        yield self._chunk({"role": "assistant", "content": ""})
        time.sleep(pause)
        for delta in _deltas(reply):
            yield self._chunk(delta)
        yield self._chunk({}, reply.finish_reason)

    def _chunk(self, delta: JsonObject, finish_reason: str | None = None) -> JsonObject:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def _head(self, kind: str) -> JsonObject:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._model.id,
        }

    def _emit(self, what: str, **more: str) -> None:
        data = {"requestId": self._request_id, "model": self._model.id, **more}
        self._scene.emit(f"paywall.proxy.request.{what}", data, self._user)


def _deltas(reply: Reply) -> Iterator[JsonObject]:
    """Yield the words one by one, or the tool call in two parts."""
    if reply.tool_call:
        part = reply.tool_call.as_message_part()
        arguments = part["function"]["arguments"]
        part["function"]["arguments"] = ""
        yield {"tool_calls": [{"index": 0, **part}]}
        yield {"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]}
        return
    words = reply.words.split(" ")
    for number, word in enumerate(words):
        yield {"content": word if number == 0 else f" {word}"}


def _usage(reply: Reply) -> dict[str, int]:
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
    }


def _event_stream(chunks: Generator[JsonObject, None, None]) -> Response:
    def lines() -> Iterator[bytes]:
        with closing(chunks):
            for chunk in chunks:
                yield b"data: " + orjson.dumps(chunk) + b"\n\n"
        yield b"data: [DONE]\n\n"

    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return Response(lines(), mimetype="text/event-stream", headers=headers)
