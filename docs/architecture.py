"""Draws `docs/architecture.svg` from the imports that there really are.

    python -m docs.architecture          writes it
    python -m docs.architecture --check  ends with 1 if it is not up to date

The rows are the layers of the import contract in pyproject.toml, the words are the first sentence
of each package, and an arrow means “imports something of”. Arrows that follow from others (a uses
b, b uses c) are left out, and so are those to the ground floor, which everybody uses.
"""

from __future__ import annotations

import ast
import sys
import textwrap
import tomllib
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "architecture.svg"
WIDTH, BOX_HEIGHT, GAP, ROW_GAP, MARGIN = 1000, 74, 16, 46, 24
CHARACTER = 6.3
STYLE = """
.box{fill:#fff;stroke:#57606a}.name{font:600 15px ui-monospace,monospace;fill:#0969da}
.words{font:12px system-ui,sans-serif;fill:#424a53}.arrow{fill:none;stroke:#8c959f;stroke-width:1.3}
.tip{fill:#8c959f}.ground{fill:#f6f8fa}
@media (prefers-color-scheme:dark){.box{fill:#161b22;stroke:#8b949e}.name{fill:#79c0ff}
.words{fill:#c9d1d9}.arrow{stroke:#6e7681}.tip{fill:#6e7681}.ground{fill:#21262d}}
"""


def layers() -> list[list[str]]:
    """The rows of the import contract, top to bottom."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for contract in pyproject["tool"]["importlinter"]["contracts"]:
        if contract["type"] == "layers":
            return [
                [name.strip() for name in row.replace(":", "|").split("|")]
                for row in contract["layers"]
            ]
    raise LookupError("pyproject.toml holds no contract of layers")


def sentence(name: str) -> str:
    """The first sentence of a package or module, on one line."""
    folder = ROOT / "connector" / name
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    first = " ".join(text.split("\n\n")[0].split())
    return first.split(". ")[0].replace("`", "").rstrip(".")


def arrows(names: set[str]) -> set[tuple[str, str]]:
    """Who imports whom among these packages, without what follows from others."""
    graph = grimp.build_graph("connector", cache_dir=None)
    direct: dict[str, set[str]] = {name: set() for name in names}
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            who, whom = (path.split(".")[1:2] for path in (module, imported))
            if who and whom and who != whom and {*who, *whom} <= names:
                direct[who[0]].add(whom[0])
    return {
        (who, whom)
        for who, all_of in direct.items()
        for whom in all_of
        if not any(whom in _reached(direct, other) for other in all_of - {whom})
    }


def _reached(direct: dict[str, set[str]], start: str) -> set[str]:
    reached, waiting = set(), [start]
    while waiting:
        for name in direct[waiting.pop()]:
            if name not in reached:
                reached.add(name)
                waiting.append(name)
    return reached


def drawn() -> str:
    """The picture."""
    rows = layers()
    places: dict[str, tuple[float, float, float]] = {}
    boxes: list[str] = []
    for number, row in enumerate(rows):
        width = (WIDTH - 2 * MARGIN - (len(row) - 1) * GAP) / len(row)
        box_width = min(width, 330.0)
        start = (WIDTH - len(row) * box_width - (len(row) - 1) * GAP) / 2
        y = MARGIN + number * (BOX_HEIGHT + ROW_GAP)
        for place, name in enumerate(row):
            x = start + place * (box_width + GAP)
            places[name] = (x, y, box_width)
            boxes.append(_box(name, x, y, box_width, ground=number == len(rows) - 1))
    above = {name for row in rows[:-1] for name in row}
    lines = [_arrow(places[who], places[whom]) for who, whom in sorted(arrows(above))]
    height = 2 * MARGIN + len(rows) * (BOX_HEIGHT + ROW_GAP) - ROW_GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
            'aria-labelledby="title">',
            '<title id="title">The packages of the connector, and who uses whom</title>',
            f"<style>{STYLE}</style>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>',
            *lines,
            *boxes,
            "</svg>",
            "",
        ]
    )


def _box(name: str, x: float, y: float, width: float, *, ground: bool) -> str:
    lines = textwrap.wrap(sentence(name), int((width - 20) / CHARACTER))[:3]
    words = "".join(
        f'<text class="words" x="{x + 10:.0f}" y="{y + 38 + 15 * number:.0f}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )
    kind = "box ground" if ground else "box"
    return (
        f'<rect class="{kind}" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{BOX_HEIGHT}" '
        f'rx="8"/><text class="name" x="{x + 10:.0f}" y="{y + 20:.0f}">{escape(name)}</text>{words}'
    )


def _arrow(who: tuple[float, float, float], whom: tuple[float, float, float]) -> str:
    x, y = who[0] + who[2] / 2, who[1] + BOX_HEIGHT
    to_x, to_y = whom[0] + whom[2] / 2, whom[1] - 2
    bend = (to_y - y) / 2
    points = [(x, y), (x, y + bend), (to_x, to_y - bend), (to_x, to_y)]
    if abs(to_y - y) > ROW_GAP + 2:  # past a row in between: round its outer side
        side = 6 if min(x, to_x) < WIDTH / 2 else WIDTH - 6
        points = [(x, y), (side, y + 20), (side, to_y - 20), (to_x, to_y)]
    text = " ".join(f"{a:.0f} {b:.0f}" for a, b in points[1:])
    return (
        f'<path class="arrow" d="M{points[0][0]:.0f} {points[0][1]:.0f} C{text}" '
        'marker-end="url(#tip)"/>'
    )


def main() -> int:
    """Write the picture, or with --check compare it."""
    picture = drawn()
    if "--check" in sys.argv[1:]:
        if FILE.read_text(encoding="utf-8") == picture:
            return 0
        sys.stderr.write("docs/architecture.svg is not up to date: python -m docs.architecture\n")
        return 1
    FILE.write_text(picture, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
