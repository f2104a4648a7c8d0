"""The guides: the pages of `docs/`, with this connector's address and key in their examples.

What is written in Markdown for the repository is shown as it is; only links lead to the pages here,
and examples can be copied and run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import PurePosixPath

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from connector.specs.example import EXAMPLE_ADDRESS
from connector.specs.flowxo import KEY

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("In your tool", ("zapier", "n8n", "flowxo", "flowxo-steps", "openai", "mcp", "importers")),
    (
        "Selling",
        (
            "actions",
            "features",
            "paid",
            "exactly-once",
            "long-chats",
            "tokens",
            "triggers",
            "console",
            "errors",
            "faq",
        ),
    ),
    ("Trying out", ("sandbox",)),
    ("Running it", ("operate", "settings", "performance", "scale", "architecture")),
)
"""The guides in their order, under the headings of the list."""
PICTURES = ("architecture.svg", "flow.svg", "performance.svg")
_EVERY = tuple(name for _, names in GROUPS for name in names)
_IN_DOCS = "http://127.0.0.1:8000"
"""The address that examples in the repository have: the one of the demo."""
_KEY_IN_DOCS = "sk-paywalls-sandbox-default"
_ELSEWHERE = {
    "../README.md": "/",
    "../n8n_nodes_spec/README.md": "/specs",
    "flowxo.json": "/specs/flowxo.json",
}
"""Where links lead that leave the guides; those that are not named here stay words."""
_SNIPPET = 160
_NARROW = 2
"""How many columns there is room for on a phone."""


@dataclass(frozen=True)
class Section:
    """A heading with the text below it, for searching."""

    anchor: str
    heading: str
    text: str


@dataclass(frozen=True)
class Guide:
    """One page: its name in the address, its title, its HTML, and its sections."""

    name: str
    title: str
    html: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Found:
    """A place that a search found: the guide, the section in it, and words around the match."""

    guide: Guide
    section: Section
    snippet: str


@cache
def guides(address: str, key: str) -> dict[str, Guide]:
    """Every guide by its name, in order, with examples for this key and this address ("" leaves the
    one of the repository)."""
    folder = files("connector.console") / "guides"
    return {
        name: _guide(name, (folder / f"{name}.md").read_text(encoding="utf-8"), address, key)
        for name in _EVERY
    }


def picture(name: str) -> bytes:
    """A picture of the guides. Raises KeyError for another name."""
    if name not in PICTURES:
        raise KeyError(name)
    return (files("connector.console") / "guides" / name).read_bytes()


def search(pages: Sequence[Guide], question: str, most: int = 20) -> list[Found]:
    """The sections that hold every word of a question; those that have it in a heading first."""
    words = [word for word in re.split(r"[\s,;]+", question.casefold()) if word][:8]
    if not words:
        return []
    scored = []
    for place, page in enumerate(pages):
        for section in page.sections:
            title, heading = page.title.casefold(), section.heading.casefold()
            whole = f"{title} {heading} {section.text.casefold()}"
            if all(word in whole for word in words):
                score = sum(2 * (word in heading) + (word in title) for word in words)
                scored.append((-score, place, Found(page, section, _around(section.text, words))))
    return [found for *_, found in sorted(scored, key=lambda one: one[:2])[:most]]


def _around(text: str, words: Sequence[str]) -> str:
    folded = text.casefold()
    first = min((at for word in words if (at := folded.find(word)) >= 0), default=0)
    start = max(0, first - _SNIPPET // 3)
    cut = text[start : start + _SNIPPET].strip()
    return f"{'… ' if start else ''}{cut}{' …' if start + _SNIPPET < len(text) else ''}"


def _guide(name: str, text: str, address: str, key: str) -> Guide:
    text = re.sub(r"<!--.*?-->\n*", "", text, flags=re.DOTALL)
    if address:
        text = text.replace(_IN_DOCS, address).replace(EXAMPLE_ADDRESS, address)
    md = MarkdownIt("commonmark", {"html": False}).enable("table")
    md.add_render_rule("table_open", _table_open)
    md.add_render_rule("table_close", _table_close)
    md.add_render_rule("code_inline", _code)
    tokens = md.parse(text.replace(KEY, key))
    _label(tokens)
    sections = _named(tokens)
    for token in _all(tokens):
        if token.type == "fence":
            token.content = token.content.replace(_KEY_IN_DOCS, key)
        elif token.type == "link_open":
            _lead(token)
        elif token.type == "image":
            token.attrSet("src", f"/guide/{token.attrGet('src')}")
    html = md.renderer.render(tokens, md.options, {})
    return Guide(name, sections[0].heading, html, tuple(sections))


def _all(tokens: Sequence[Token]) -> list[Token]:
    return [one for token in tokens for one in (token, *(token.children or ()))]


def _named(tokens: Sequence[Token]) -> list[Section]:
    """Give every heading the anchor that it has in the repository; the sections."""
    found: list[tuple[str, str, list[str]]] = []
    for token, inner in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and inner is not None:
            words = _plain(inner)
            anchor = re.sub(r"[^\w\- ]", "", inner.content.lower()).replace(" ", "-")
            token.attrSet("id", anchor)
            found.append((anchor, words, []))
        elif token.type in ("inline", "fence") and found and token.content != found[-1][1]:
            found[-1][2].append(_plain(token) if token.children else token.content)
    return [Section(anchor, heading, " ".join(text)) for anchor, heading, text in found]


def _label(tokens: Sequence[Token]) -> None:
    """Tell each cell of a wide table what its column is called: on a phone they stand one below the
    other."""
    table: Token | None = None
    columns: list[str] = []
    at = 0
    for token, inner in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "table_open":
            table, columns = token, []
        elif token.type == "th_open" and inner is not None:
            columns.append(_plain(inner))
        elif token.type == "tr_open":
            at = 0
        elif token.type == "td_open" and table is not None and len(columns) > _NARROW:
            table.attrSet("class", "stack")
            token.attrSet("data-label", columns[at])
            at += 1


def _plain(token: Token) -> str:
    """The words of a piece of Markdown without its marks."""
    breaks = {"softbreak": " ", "hardbreak": " "}
    return "".join(breaks.get(one.type, one.content) for one in token.children or ())


def _lead(token: Token) -> None:
    """Let a link lead to the page here."""
    target = str(token.attrGet("href") or "")
    path, mark, anchor = target.partition("#")
    name = PurePosixPath(path).stem
    if path in _ELSEWHERE:
        token.attrSet("href", _ELSEWHERE[path])
    elif path.endswith(".md") and name in _EVERY:
        token.attrSet("href", f"/guide/{name}{mark}{anchor}")
    elif path and "://" not in path:
        token.attrs.pop("href", None)


def _table_open(
    renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    return f'<div class="wide"><table{renderer.renderAttrs(tokens[at])}>\n'


def _table_close(
    renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    return "</table></div>\n"


def _code(
    renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    """A name that is too long for its line is broken behind an underscore, not inside a word."""
    return f"<code>{escape(tokens[at].content).replace('_', '_<wbr>')}</code>"
