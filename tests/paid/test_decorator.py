"""The decorator itself: what it leaves as it is, what it refuses, and what it needs."""

from __future__ import annotations

import ast
import asyncio
import inspect
import subprocess
import sys
import typing
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest

from connector.paid import PaidError, paid
from tests.paid.conftest import FILE


class Page:
    """A type that only this module knows."""


async def tool(page: Page, /, times: Annotated[int, "how often"] = 1, *, ctx: Any = None) -> Page:
    """What the tool does."""
    return page


@pytest.mark.parametrize("function", [tool, lambda text, times=1: text * times])
def test_what_a_library_reads_of_a_tool_stays_as_it_was(function: Any) -> None:
    sold = paid("pdf-parse")(function)
    assert inspect.signature(sold, eval_str=True) == inspect.signature(function, eval_str=True)
    assert typing.get_type_hints(sold, include_extras=True) == typing.get_type_hints(
        function, include_extras=True
    )
    assert (sold.__name__, sold.__doc__) == (function.__name__, function.__doc__)
    assert inspect.iscoroutinefunction(sold) is inspect.iscoroutinefunction(function)


def test_what_is_told_is_an_exception_of_the_file_without_any_library() -> None:
    sold = paid("pdf-parse")(tool)
    with pytest.raises(PaidError, match="Nobody is signed in"):
        asyncio.run(sold(Page()))


def yields() -> Iterator[int]:
    yield 1


async def yields_async() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize("function", [yields, yields_async])
def test_a_tool_that_yields_is_refused(function: Any) -> None:
    with pytest.raises(TypeError, match="does not yield"):
        paid("pdf-parse")(function)


@pytest.mark.parametrize("value", [Page, object(), None, "pdf-parse"])
def test_what_is_no_function_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="directly above the function"):
        paid("pdf-parse")(value)


def test_it_needs_the_standard_library_and_httpx_only() -> None:
    names = {
        (node.module or "").partition(".")[0]
        if isinstance(node, ast.ImportFrom)
        else node.names[0].name.partition(".")[0]
        for node in ast.walk(ast.parse(FILE.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    assert names - set(sys.stdlib_module_names) == {"httpx"}


def test_it_works_alone_where_there_is_no_connector(tmp_path: Path) -> None:
    (tmp_path / "paid.py").write_bytes(FILE.read_bytes())
    script = "import sys, paid; assert not any(n.startswith('connector') for n in sys.modules)"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=60)
