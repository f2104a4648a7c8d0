"""The page about the architecture: the picture is current, files exist, and words lead to them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import architecture

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ANSWERS = re.findall(r"^\| ([^|]+) \| `([^`]+)` \| `([^`]+)` \|$", PAGE, re.MULTILINE)


def test_the_picture_is_drawn_from_the_imports_there_are() -> None:
    assert architecture.FILE.read_text(encoding="utf-8") == architecture.drawn()


def test_every_file_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`([a-z_]+/[a-z_/]+\.py)`", PAGE))
    assert len(named) > 20
    roots = (ROOT / "connector", ROOT)
    assert [name for name in named if not any((root / name).exists() for root in roots)] == []


@pytest.mark.parametrize(("question", "word", "file"), ANSWERS)
def test_a_word_of_the_field_leads_to_its_file(question: str, word: str, file: str) -> None:
    folder = ROOT / "connector"
    hits = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if word in path.read_text(encoding="utf-8").casefold()
    }
    assert file in hits
    assert len(hits) <= 5, question


def test_there_are_answers_to_test() -> None:
    assert len(ANSWERS) >= 8
