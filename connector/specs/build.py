"""The generated files: which text belongs where, writing them, telling which are stale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from connector.specs import docs

FILES: tuple[tuple[str, Callable[[], str]], ...] = (("docs/actions.md", docs.actions_page),)
"""One row per file: its path in the repository, and the function that gives its text."""


def write(root: Path) -> list[Path]:
    """Bring every generated file under `root` up to date; the paths of those that changed."""
    changed = []
    for name, text in FILES:
        path = root / name
        if _differs(path, wanted := text()):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted, encoding="utf-8")
            changed.append(path)
    return changed


def stale(root: Path) -> list[str]:
    """The generated files under `root` that are missing or not current, as they are in FILES."""
    return [name for name, text in FILES if _differs(root / name, text())]


def _differs(path: Path, wanted: str) -> bool:
    return not path.is_file() or path.read_text(encoding="utf-8") != wanted
