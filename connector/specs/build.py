"""The generated files: which text belongs where, writing them, telling which are stale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from connector.specs import docs, flowxo, n8n, zapier

GENERATORS: tuple[Callable[[], Mapping[str, str]], ...] = (
    docs.files,
    flowxo.files,
    n8n.files,
    zapier.files,
)
"""One row per generator: a function that gives the text of each of its files, by the file's path
in the repository."""


def files() -> dict[str, str]:
    """Every generated file's text, by its path in the repository."""
    return {name: text for generate in GENERATORS for name, text in generate().items()}


def write(root: Path) -> list[Path]:
    """Bring every generated file under `root` up to date; the paths of those that changed."""
    changed = []
    for name, text in files().items():
        path = root / name
        if _differs(path, text):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def stale(root: Path) -> list[str]:
    """The generated files under `root` that are missing or not current."""
    return [name for name, text in files().items() if _differs(root / name, text)]


def _differs(path: Path, wanted: str) -> bool:
    return not path.is_file() or path.read_text(encoding="utf-8") != wanted
