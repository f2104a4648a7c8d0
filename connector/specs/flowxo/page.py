"""The same as a page in Markdown, for reading in the repository."""

from __future__ import annotations

from typing import Any

DOING = {
    "http": "Webhooks & HTTP: make an HTTP request",
    "message": "Bot: Send a Message",
    "mail": "Send an e-mail",
    "your_task": "A task of your own",
    "code": "Code: run a script",
    "get_attribute": "Attributes: Get an Attribute",
    "set_attribute": "Attributes: Set an Attribute",
}
"""What each kind of task is called on the screen."""

_INTRODUCTION = """<!-- Made from the catalog by `connector specs build`: change the catalog, not this file. -->

# FlowXO, field by field

What to enter in FlowXO's HTTP task for every action. The [guide](flowxo.md) explains it; your own connector
shows the same with its address filled in at `/specs/flowxo`, and as JSON at `/specs/flowxo.json`.

- `{address}` stands for your connector's address, `{key}` for your paywall's secret key.
- Send the data as a form *or* as JSON, whichever your task offers. **No place for headers?** Add a row
  `api_key` with your key instead.
- A row without “required” can be left out.
- **To use the answer**: in a later task pick the HTTP task's answer with `{{{{`, then put the ending from the
  table “what comes out” before the closing braces, as in `{{{{charge.data__outcome}}}}`.
"""  # noqa: E501 -- one line of the page is one line here


def markdown(guide: dict[str, Any]) -> str:
    """The whole page; `guide` is what `described` gives."""
    key = guide["ai_connection"]["fields"][1]["value"]
    parts = [_INTRODUCTION.format(address=guide["address"], key=key)]
    parts += [_step(step) for step in guide["steps"]]
    for left in guide["left_out"]:
        parts.append(f"## {left['label']}\n\n{left['why']}\n")
    parts.append(_subscribe(guide["subscribe"]))
    parts.append(
        "## Recipes\n\nIn FlowXO a filter skips only its own task, so every task below that "
        "must not run unpaid has one. All conditions of a filter must be met.\n"
    )
    parts += [_recipe(recipe) for recipe in guide["recipes"]]
    return "\n".join(parts)


def _step(step: dict[str, Any]) -> str:
    outcomes = [[f"`{name}`", words] for name, words in step["outcomes"].items()]
    outputs = [[f"`{row['append']}`", row["what"], f"`{row['sample']}`"] for row in step["outputs"]]
    return "\n".join(
        [
            f"## {step['label']}\n\n{step['what']}\n",
            _request(step),
            _table(("outcome", "meaning"), outcomes),
            "What comes out:\n",
            _table(("ending", "what it is", "sample"), outputs),
        ]
    )


def _request(step: dict[str, Any]) -> str:
    fields = [["URL", f"`{step['address']}`"], ["Method", f"`{step['method']}`"]]
    for header in step["as_json"]["headers"]:
        only = " (only when you send JSON)" if header["name"] == "Content-Type" else ""
        fields.append([f"Header `{header['name']}`{only}", f"`{header['value']}`"])
    rows = [
        [
            f"`{row['name']}`",
            f"`{row['value']}`",
            "required" if row["required"] else _optional(row),
            f"{row['what']} {row.get('in_a_flow', '')}".strip(),
        ]
        for row in step["rows"]
    ]
    body = ", ".join(f'"{n}": "{v}"' for n, v in step["as_json"]["body"].items())
    return "\n".join(
        [
            _table(("field", "what to enter"), fields),
            _table(("data", "value to test with", "", "what to write"), rows),
            f"As a form:\n\n    {step['as_form']['body']}\n",
            f"As JSON:\n\n    {{{body}}}\n",
        ]
    )


def _optional(row: dict[str, Any]) -> str:
    return f"instead of `{row['instead_of']}`" if "instead_of" in row else ""


def _subscribe(step: dict[str, Any]) -> str:
    triggers = [[f"`{row['key']}`", row["label"], row["what"]] for row in step["triggers"]]
    return "\n".join(
        [
            f"## {step['label']}\n\n{step['what']}\n",
            _request(step),
            _table(("trigger", "event", "when"), triggers),
        ]
    )


def _recipe(recipe: dict[str, Any]) -> str:
    trigger = recipe["trigger"]
    if "only_if" in recipe:
        trigger += f" Filter: {conditions(recipe['only_if'])}."
    rows = [
        [f"`{t['name']}`", DOING[t["do"]], entered(t), conditions(t.get("only_if", []))]
        for t in recipe["tasks"]
    ]
    lines = [
        f"### {recipe['label']}\n",
        f"Trigger: {trigger}\n",
        _table(("task", "kind", "what to enter", "filter"), rows),
    ]
    return "\n".join([*lines, recipe["note"] + "\n"] if "note" in recipe else lines)


def entered(task: dict[str, Any]) -> str:
    """What a task of a recipe is filled in with, in one line."""
    match task["do"]:
        case "http":
            rows = "; ".join(f"`{r['name']}`: `{r['value']}`" for r in task["rows"])
            return f"the step `{task['step']}` with {rows}"
        case "code":
            rows = "; ".join(f"`{r['name']}`: `{r['value']}`" for r in task["inputs"])
            return f"{task['what']} Inputs {rows}. Script: `{task['script']}`"
        case "message":
            return _text(task)
        case "mail":
            return f"to `{task['to']}`: {_text(task)}"
        case "get_attribute":
            return f"`{task['attribute']}` of `{task['key']}`. {task['what']}"
        case "set_attribute":
            return f"`{task['attribute']}` of `{task['key']}` to `{task['set_to']}`"
    return str(task["what"])


def conditions(rows: list[dict[str, Any]]) -> str:
    """The filter of a task, in one line."""
    return " and ".join(
        f"`{c['value']}` {c['is']}"
        + (f" `{c['to']}`" if c["to"] else "")
        + (" (or is empty)" if c.get("or_empty") else "")
        for c in rows
    )


def _text(task: dict[str, Any]) -> str:
    return " ⏎ ".join(
        f"`{line}`" if line.startswith("{{") else line for line in task["text"].splitlines()
    )


def _table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    lines = [list(head), ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(c.replace("|", "\\|") for c in row) + " |\n" for row in lines)
