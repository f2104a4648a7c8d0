"""The ready-made workflows around a chat that takes minutes: waited for, or told by a callback."""

from __future__ import annotations

from connector.catalog.outcomes import PENDING
from connector.specs.n8n.waits import MINUTES, RESUME_URL, SECONDS_PER_CALL
from connector.specs.n8n.workflow_actions import GUARDED, Variant, set_up
from connector.specs.n8n.workflow_parts import (
    Json,
    Workflow,
    mail,
    named,
    respond,
    stop,
    switch,
    wait_for_call,
    webhook,
)

_BODY = "$('Question').first().json.body"
_AGAIN = MINUTES * 60 // SECONDS_PER_CALL
_COMING = "={{ { answer: 'We are working on it. The answer comes by mail.' } }}"
_ASKS = (
    "A question comes in by webhook as `user`, `email`, `message` and `message_id`, and your app "
    "is told at once that the answer comes by mail. "
)
_ONCE = (
    "However long that takes and however often the same message comes, it is asked and paid for "
    "once. Who cannot pay yet is mailed the link. Put your own way to deliver the answer where the "
    "mails are."
)


def long_answer(key: str, variant: Variant) -> Workflow:
    """Waits for an answer, call by call."""
    flow = Workflow(key, "A long answer by mail")
    if variant.http:
        waits = (
            f"*Send Chat Message* waits for {SECONDS_PER_CALL} seconds a call; while the answer is "
            f"still being written, *What Came?* leads back to it, up to {_AGAIN} times. "
        )
    else:
        waits = (
            f"*Send Chat Message* waits for the answer, {MINUTES} minutes a try, in calls of "
            f"{SECONDS_PER_CALL} seconds. "
        )
    set_up(flow, variant, _ASKS + waits + _ONCE + GUARDED)
    coming = _asked(flow)
    flow.link(coming, _answered(flow, variant, "Send Chat Message", 2))
    return flow


def long_answer_by_callback(key: str, variant: Variant) -> Workflow:
    """Goes on when the connector says that the answer is there, and then gets it."""
    flow = Workflow(key, "A long answer by mail, with a callback")
    set_up(
        flow,
        variant,
        f"{_ASKS}*Wait for the Answer* keeps nothing busy while the model thinks: the connector "
        "calls it when the answer is there; after 15 minutes it goes on by itself. What was posted "
        "there is not believed; *Get the Answer* sends the same again. n8n's `WEBHOOK_URL` must be "
        f"an address that the connector can reach. {_ONCE}" + GUARDED,
    )
    coming = _asked(flow)
    begun = _chat(flow, variant, "Send Chat Message", 2, {"callback_url": RESUME_URL})
    called = wait_for_call(flow, "Wait for the Answer", (3, 0), minutes=15)
    flow.row(coming, begun, called, _answered(flow, variant, "Get the Answer", 4))
    return flow


def _asked(flow: Workflow) -> str:
    """The question; gives the step that answers its call at once."""
    question = webhook(flow, "Question", (0, 0), answers=True)
    coming = respond(flow, "Say It Is Coming", _COMING, (1, 0))
    flow.link(question, coming)
    return coming


def _answered(flow: Workflow, variant: Variant, name: str, column: int) -> str:
    """The chat, which is waited for, and what is done with what comes; gives the chat."""
    more = {"wait": str(SECONDS_PER_CALL)} if variant.http else {"give_up_after": MINUTES}
    chat = _chat(flow, variant, name, column, more)
    again = f"={{{{ $json.outcome === '{PENDING}' && $runIndex < {_AGAIN} }}}}"
    outputs = {"Not Yet": again} if variant.http else {}
    came = switch(
        flow,
        "What Came?",
        (column + 1, 0),
        outputs | {"Answer": "={{ $json.success }}", "Link": "={{ !!$json.action_url }}"},
    )
    flow.link(chat, came)
    ends = [
        _mail(flow, "Mail the Answer", (column + 2, -1), "Your answer", "={{ $json.reply }}"),
        _mail(
            flow,
            "Mail the Link",
            (column + 2, 0),
            "Before we can answer",
            "={{ $json.message }}\n\n{{ $json.action_url }}",
        ),
        stop(flow, "No Answer", (column + 2, 1), "={{ $json.message }}"),
    ]
    for output, target in enumerate([chat, *ends] if variant.http else ends):
        flow.link(came, target, output=output)
    return chat


def _chat(flow: Workflow, variant: Variant, name: str, column: int, more: Json) -> str:
    model = "gpt-4o"
    values: Json = {
        "user": f"={{{{ {_BODY}.user }}}}",
        "model": model if variant.http else {"__rl": True, "mode": "id", "value": model},
        "prompt": f"={{{{ {_BODY}.message }}}}",
        "reference": named("answer-", f"{_BODY}.message_id"),
    }
    at = (column, 0)
    return variant.action(flow, name, "chat", values, at, optional=more, on_refusal="continue")


def _mail(flow: Workflow, name: str, at: tuple[float, float], subject: str, text: str) -> str:
    return mail(flow, name, at, f"={{{{ {_BODY}.email }}}}", subject, text)
