"""The ready-made workflows around Use Feature: free first, a cap, a price for each tool."""

from __future__ import annotations

from connector.specs.n8n.ai_workflows import ANSWER, LINK, QUESTION
from connector.specs.n8n.workflow_actions import GUARDED, Variant, set_up
from connector.specs.n8n.workflow_parts import (
    Workflow,
    branch,
    chain,
    named,
    openai_model,
    respond,
    switch,
    values,
    webhook,
)

_BODY = "$('Question').item.json.body"
_ALLOWED = "={{ $json.success }}"
_ASKS = "A question comes in by webhook as `user`, `message` and `message_id`. "


def free_then_paid(key: str, variant: Variant) -> Workflow:
    """Three free answers a day, then 0.25 for each."""
    flow = Workflow(key, "Three free a day, then 0.25")
    set_up(
        flow,
        variant,
        f"{_ASKS}Each user has three free answers a day, then pays 0.25 for each; who cannot pay "
        "gets the link. Set the rule once, as the guide to features says: feature `answer` with "
        "`free_per_day` 3 and `price` 0.25. Put your own work where the AI step is." + GUARDED,
    )
    asked = webhook(flow, "Question", (0, 0), answers=True)
    use = _use(flow, variant, "Use Feature", "answer", (1, 0))
    allowed = branch(flow, "Allowed?", (2, 0), _ALLOWED)
    work = chain(flow, "AI Step", QUESTION, (3, -0.5), openai_model(flow, (3, 0.4)))
    answer = respond(flow, "Answer", ANSWER, (4.5, -0.5))
    link = respond(flow, "Send the Message", LINK, (3, 1.2))
    flow.row(asked, use, allowed, work, answer)
    flow.link(allowed, link, output=1)
    return flow


def cap_then_cheaper(key: str, variant: Variant) -> Workflow:
    """The better model until a user's cap of the day is reached, then the cheaper one."""
    flow = Workflow(key, "A cap per user and day, then a cheaper model")
    set_up(
        flow,
        variant,
        f"{_ASKS}The better model answers until the user has spent the most that a day allows; "
        "from then on the cheaper one does, at its own price. Set both rules once, as the guide to "
        "features says: feature `best-answer` with `price` 0.25 and `cap_per_user_day` 2.50, "
        "feature `small-answer` with `price` 0.02." + GUARDED,
    )
    asked = webhook(flow, "Question", (0, 0), answers=True)
    best = _use(flow, variant, "Use Best Model", "best-answer", (1, 0))
    limits = "['cap_reached', 'quota_reached'].includes($json.outcome)"
    which = switch(
        flow,
        "Which Model?",
        (2, 0),
        {"Best": _ALLOWED, "Cap Reached": f"={{{{ {limits} }}}}"},
    )
    small = _use(flow, variant, "Use Small Model", "small-answer", (3, 0.8))
    allowed = branch(flow, "Small Allowed?", (4, 0.8), _ALLOWED)
    good = openai_model(flow, (3, -0.1), name="Best Model", model="gpt-4o")
    cheap = openai_model(flow, (5, 1.3), name="Small Model", model="gpt-4o-mini")
    best_step = chain(flow, "Best AI Step", QUESTION, (3, -1), good)
    small_step = chain(flow, "Small AI Step", QUESTION, (5, 0.4), cheap)
    answer = respond(flow, "Answer", ANSWER, (6.5, -0.4))
    link = respond(flow, "Send the Message", LINK, (5, 2.2))
    flow.row(asked, best, which, best_step, answer)
    flow.link(which, small, output=1)
    flow.link(which, link, output=2)
    flow.row(small, allowed, small_step, answer)
    flow.link(allowed, link, output=1)
    return flow


def tiered_tools(key: str, variant: Variant) -> Workflow:
    """Two tools with a price each."""
    flow = Workflow(key, "Tools with different prices")
    set_up(
        flow,
        variant,
        "A call comes in by webhook as `user`, `tool`, `message` and `message_id`. Each tool is a "
        "feature with a price of its own, and the flow chooses it: the caller names the tool, "
        "never the price. Set the rules once, as the guide to features says: feature `tool-search` "
        "with `price` 0.02, feature `tool-report` with `price` 0.50. Put your own tools where "
        "*Search* and *Report* are; one more tool is one more output of *Which Tool?*." + GUARDED,
    )
    asked = webhook(flow, "Question", (0, 0), answers=True)
    tools = ("search", "report")
    which = switch(
        flow,
        "Which Tool?",
        (1, 0),
        {tool.title(): f"={{{{ $json.body.tool === '{tool}' }}}}" for tool in tools},
    )
    answer = respond(flow, "Answer", "={{ { result: $json.result } }}", (5, 0))
    link = respond(flow, "Send the Message", LINK, (5, 1.5))
    flow.row(asked, which)
    for output, tool in enumerate(tools):
        name, row = tool.title(), output * 1.0 - 0.5
        use = _use(flow, variant, f"Use {name}", f"tool-{tool}", (2, row))
        allowed = branch(flow, f"{name} Allowed?", (3, row), _ALLOWED)
        result = f"={name} for {{{{ {_BODY}.message }}}}"
        work = values(flow, name, (4, row), {"result": result})
        flow.link(which, use, output=output)
        flow.row(use, allowed, work, answer)
        flow.link(allowed, link, output=1)
    unknown = respond(
        flow,
        "No Such Tool",
        f"={{{{ {{ answer: 'There is no such tool. Choose one of: {', '.join(tools)}.' }} }}}}",
        (2, 1.6),
    )
    flow.link(which, unknown, output=len(tools))
    return flow


def _use(flow: Workflow, variant: Variant, name: str, feature: str, at: tuple[float, float]) -> str:
    """Place Use Feature, with a reference that no other feature of the same message has."""
    fields = {
        "user": f"={{{{ {_BODY}.user }}}}",
        "feature": feature,
        "reference": named(f"{feature}-", f"{_BODY}.message_id"),
    }
    return variant.action(flow, name, "use", fields, at, on_refusal="continue")
