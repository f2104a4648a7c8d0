"""The page docs/actions.md: every action of the catalog as a builder reads it."""

from __future__ import annotations

import re

from connector import actions as actions_folder
from connector.brands import PAYWALLS
from connector.catalog.actions import Action, Output, actions, fields_of
from connector.catalog.fields import (
    Amount,
    Count,
    Flag,
    Number,
    Text,
    Words,
    shown,
)
from connector.catalog.json_fields import Messages, Metadata

DEMO_ADDRESS = "http://127.0.0.1:8000"
DEMO_KEY = PAYWALLS.first_sandbox_key
_IN_THE_DEMO = {"model": "sandbox-chat", "search": "chat", "reference": "order-42"}
"""Values by field where the example does not exist in the demo, or is taken by its tour."""
_NOT_IN_THE_DEMO = ("before",)
"""Fields that only go on from an answer."""

_INTRODUCTION = """<!-- Made from the catalog by `connector specs build`: change the catalog, not this file. -->

# Actions

What you can do with the connector, one section for each action. New to it? Start with the
[README](../README.md); to click instead of read, open `/docs` on your connector.

- **Key**: send your Paywalls secret key as the header `Authorization: Bearer <key>` or
  `X-API-Key: <key>`, or a [token](tokens.md) that may do less. A tool that cannot set headers may send it as the field `api_key` in the body of a POST.
- **Fields**: send them as JSON or as a form; where GET is answered, also in the address. An empty field counts
  as not sent. `user` may also stand in the header `X-Paywall-User`, `reference` in `Idempotency-Key`.
  Nothing is ignored: JSON is read as JSON under a form's header too (that of `curl -d`), and what cannot be read,
  such as a compressed body, another text encoding than UTF-8, or values in the body of a GET, is refused.
  In an address or a form write a plus sign as `%2B`.
- **Metadata**: an object, the same as JSON text, or single fields called `metadata_<name>`.
- **Answer**: always the same fields, never nested, never null. Amounts are text such as `0.5`.
- **Errors**: [one shape for all](errors.md). With `errors=soft` as one more field they come as a normal answer.
- **Try it**: the curl lines work while `make demo` runs.
"""  # noqa: E501 -- one line of the page is one line here


def files() -> dict[str, str]:
    """The page under its path in the repository."""
    return {"docs/actions.md": actions_page()}


def actions_page() -> str:
    """The whole page, in Markdown."""
    actions_folder.load()
    everything = actions()
    return "\n".join(
        [_INTRODUCTION, _overview(everything), _first_four(), *map(_section, everything)]
    )


def _overview(everything: tuple[Action, ...]) -> str:
    rows = [
        [f"[{a.label}](#{a.label.lower().replace(' ', '-')})", _calls(a), a.sentence]
        for a in everything
    ]
    return _table(("action", "call", "what it does"), rows)


def _first_four() -> str:
    """What all answers begin with, told once."""
    return (
        "## The first four fields\n\n"
        "Every answer begins with these, except that of an action that lists things.\n\n"
        + _table(
            ("field", "type", "meaning"),
            [[f"`{n}`", _type(f), f"{f.label}: {f.help}"] for n, f in fields_of(Output).items()],
        )
    )


def _section(action: Action) -> str:
    parts = [f"## {action.label}", "", action.sentence, "", f"{_calls(action)}{_promise(action)}"]
    words = action.words()
    parts += ["", _inputs(words).rstrip() if words else "Takes no fields."]
    if action.input.one_of:
        labels = " or ".join(words[name].label for name in action.input.one_of)
        parts += ["", f"Fill in either {labels}, and only one of them."]
    if action.outcomes:
        rows = [[f"`{name}`", meaning] for name, meaning in action.outcomes.items()]
        parts += ["", _table(("outcome", "meaning"), rows).rstrip()]
    parts += ["", _outputs(action).rstrip()]
    parts += ["", "```sh", curl(action), "```", ""]
    return "\n".join(parts)


def _calls(action: Action) -> str:
    return f"`GET /v1{action.path}` (or POST)" if action.get else f"`POST /v1{action.path}`"


def _promise(action: Action) -> str:
    return ", [exactly once](exactly-once.md) per reference" if action.exactly_once else ""


def _inputs(words: dict[str, Words]) -> str:
    rows = [
        [
            f"`{name}`",
            f"**{field.label}**" + (" (required)" if field.required else ""),
            _type(field),
            field.help,
            _code(field.example),
        ]
        for name, field in words.items()
    ]
    return _table(("field", "label", "type", "what to write", "example"), rows)


def _outputs(action: Action) -> str:
    rows = [
        [f"`{name}`", _type(field), f"{field.label}: {field.help}", _code(field.example)]
        for name, field in fields_of(action.output).items()
        if name not in fields_of(Output)
    ]
    if not rows:
        return "The answer has nothing beyond the first four fields."
    listed = "A list; each item has:\n\n" if action.many else ""
    return listed + _table(("in the answer", "type", "meaning", "sample"), rows)


def curl(action: Action) -> str:
    """A command line that works against the demo, with every field that is not JSON."""
    line = ["curl -G" if action.get else "curl", f"{DEMO_ADDRESS}/v1{action.path}"]
    for name, field in action.form().items():
        if isinstance(field, Metadata | Messages) or name in _NOT_IN_THE_DEMO:
            continue
        value = _IN_THE_DEMO.get(name, str(field.example))
        plain = re.fullmatch(r"[\w.:-]+", value, re.ASCII)
        line.append(f"-d {name}={value}" if plain else f'--data-urlencode "{name}={value}"')
    if not action.get and not action.words():
        line.append("-X POST")
    return " ".join([*line, f'-H "X-API-Key: {DEMO_KEY}"'])


def _type(field: Words) -> str:
    match field:
        case Flag():
            return "yes/no"
        case Amount():
            return "amount"
        case Count():
            return "whole number"
        case Number():
            return "number"
        case Metadata() | Messages():
            return "JSON"
        case Text() if not field.dump_only and field.required:
            return f"text, up to {field.max_length:,}"
    return "text"


def _code(example: object) -> str:
    return f"`{shown(example)}`"


def _table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    lines = [list(head), ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(c.replace("|", "\\|") for c in row) + " |\n" for row in lines)
