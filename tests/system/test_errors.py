"""The exception tree: drawn as it is, one code each, and told truthfully."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import connector
from connector import errors
from connector.errors import AlreadyDecided, ConnectorError, UpstreamError
from tests.api.builder import Builder, builder, facade

__all__ = ["builder", "facade"]
PACKAGE = Path(connector.__file__).parent


def tree(kind: type[ConnectorError]) -> Iterator[type[ConnectorError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from tree(child)


KINDS = list(tree(ConnectorError))


@pytest.mark.parametrize("kind", KINDS)
def test_the_tree_is_drawn_in_the_docstring(kind: type[ConnectorError]) -> None:
    assert errors.__doc__ is not None
    [line] = [x for x in errors.__doc__.splitlines() if f" {kind.__name__} " in f"{x} "]
    statuses = [word for word in line.split() if word.isdigit()]
    assert statuses in ([], [str(kind.status)])


def test_every_leaf_has_a_code_and_a_title_of_its_own() -> None:
    leaves = [kind for kind in KINDS if "code" in vars(kind)]
    assert len({kind.code for kind in leaves}) == len(leaves)
    assert len({kind.title for kind in leaves}) == len(leaves)
    assert all(not kind.title.endswith(".") for kind in leaves)


@pytest.mark.parametrize("kind", KINDS)
def test_only_upstream_can_leave_doubt(kind: type[ConnectorError]) -> None:
    assert kind.nothing_happened or issubclass(kind, UpstreamError)


@pytest.mark.parametrize("kind", [k for k in KINDS if k.status in (429, 503, 409)])
def test_what_passes_by_itself_is_retryable(kind: type[ConnectorError]) -> None:
    assert kind.retryable is (kind is not AlreadyDecided)  # that never passes


@pytest.mark.parametrize("kind", [k for k in KINDS if k.status in (400, 401, 403, 404, 413, 422)])
def test_what_the_caller_must_mend_is_not_retryable(kind: type[ConnectorError]) -> None:
    assert not kind.retryable


def test_every_status_is_described(builder: Builder) -> None:
    description = builder.client.get("/openapi.json").json
    assert description is not None
    described = {int(status) for status in description["paths"]["/v1/charge"]["post"]["responses"]}
    own = {kind.status for kind in KINDS if kind.status != 410}
    assert own <= described


def _texts(node: ast.expr) -> str:
    """A string as written, with … for what is filled in; "" for what is no string."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_texts(part) for part in parts)
        case ast.FormattedValue():
            return "…"
        case ast.BinOp(left=left, right=right):
            return _texts(left) + _texts(right)
        case ast.IfExp(body=body):
            return _texts(body)
    return ""


def sentences() -> list[tuple[str, str]]:
    """Every text that is raised in one of our errors, with the place where it stands."""
    names = {kind.__name__ for kind in KINDS} | {"ValidationError"}
    items = []
    for file in sorted(PACKAGE.rglob("*.py")):
        if "sandbox" in file.parts or file == PACKAGE / "config" / "parsers.py":
            continue  # the latter's are the ends of an operator's sentences
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                text = _texts(node.args[0])
                if node.func.id in names and text:
                    items.append((f"{file.name}:{node.lineno}", text))
    return items


@pytest.mark.parametrize(("place", "text"), sentences())
def test_every_error_is_a_sentence_of_at_most_250_characters(place: str, text: str) -> None:
    assert text.endswith((".", "?", "…")), place
    assert text[0].isupper() or text[0] in "“…", place
    assert len(text) <= 250, place
    assert "None" not in text, place
    assert "dict" not in text, place
