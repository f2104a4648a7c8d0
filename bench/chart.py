"""The ratios of CPU time as a picture: how far each one is, and where its aim lies."""

from __future__ import annotations

import math
import re
from html import escape

from bench.figures import Figure

_WIDTH, _LEFT, _ROW, _TOP, _BAR = 1000, 420, 44, 58, 18
_RIGHT = 60
_STYLE = """
.name{font:600 13px system-ui,sans-serif;fill:#24292f}.peer{font:12px system-ui,sans-serif;
fill:#57606a}.met{fill:#1a7f5a}.short{fill:#b35900}.bare{fill:#57606a}.aim{stroke:#cf222e;
stroke-width:2}.grid{stroke:#d0d7de}.card{fill:#fff}
@media (prefers-color-scheme:dark){.name{fill:#e6edf3}.peer{fill:#9da7b3}.met{fill:#3fb68b}
.short{fill:#e0913a}.bare{fill:#8b949e}.aim{stroke:#ff7b72}.grid{stroke:#30363d}.card{fill:#0d1117}}
"""
_TITLE = (
    "CPU time of a peer for the same call, divided by ours, at 16 connections; "
    "to the right is better"
)
_ELSEWHERE = re.compile(r", 16 connections|, against \S+")
"""What the title and the second line say."""


def svg(figures: list[Figure]) -> str:
    """A bar for each row that has a ratio of CPU time to a peer, on a logarithmic scale, and a line
    at its aim. Without such a row it is an empty picture."""
    rows = [
        (one, ratio, _number(one.aim))
        for one in figures
        if (ratio := _number(one.cpu)) and not one.peer.startswith("with ")
    ]
    largest = max((max(ratio, aim or 0.0) for _, ratio, aim in rows), default=1.0)
    top = 10 ** math.ceil(math.log10(max(largest, 1.01)))
    ticks = [tick for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if tick <= top]
    height = _TOP + _ROW * len(rows) + 10
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        'aria-labelledby="title">',
        f'<title id="title">{_TITLE}</title><style>{_STYLE}</style>',
        f'<rect class="card" width="{_WIDTH}" height="{height}"/>',
        f'<text class="name" x="16" y="22">{_TITLE}</text>',
    ]
    for tick in ticks:
        x = _x(tick, top)
        lines.append(f'<line class="grid" x1="{x}" y1="{_TOP - 8}" x2="{x}" y2="{height - 6}"/>')
        lines.append(
            f'<text class="peer" x="{x}" y="{_TOP - 13}" text-anchor="middle">{tick:g} ×</text>'
        )
    for place, (figure, ratio, aim) in enumerate(rows):
        lines += _bar(figure, ratio, aim, _TOP + _ROW * place, top)
    return "\n".join([*lines, "</svg>", ""])


def _bar(figure: Figure, ratio: float, aim: float | None, y: int, top: float) -> list[str]:
    kind = {True: "met", False: "short", None: "bare"}[figure.met]
    x, one = _x(ratio, top), _x(1, top)
    at = _x(aim, top) if aim else 0
    label = max(x, one, at if at < max(x, one) + 60 else 0) + 6
    name, peer = _ELSEWHERE.sub("", figure.name).replace("`", ""), figure.peer.partition(":")[0]
    lines = [
        f'<text class="name" x="16" y="{y + 13}">{escape(_short(name))}</text>',
        f'<text class="peer" x="16" y="{y + 29}">against {escape(peer)}</text>',
        f'<rect class="{kind}" x="{min(x, one)}" y="{y + 4}" width="{max(abs(x - one), 1)}" '
        f'height="{_BAR}" rx="3"/>',
        f'<text class="peer" x="{label}" y="{y + 18}">{ratio:g} ×</text>',
    ]
    if aim:
        lines.append(f'<line class="aim" x1="{at}" y1="{y}" x2="{at}" y2="{y + _BAR + 8}"/>')
    return lines


def _x(value: float, top: float) -> int:
    low = math.log10(0.1)
    share = (math.log10(max(value, 0.1)) - low) / (math.log10(top) - low)
    return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT))


def _short(name: str) -> str:
    return name if len(name) <= 50 else f"{name[:49]}…"


def _number(text: str) -> float | None:
    """The number in `2.60 ×` or `CPU ≥ 5 ×`; None where there is none, or where it is an upper
    bound."""
    found = re.search(r"([\d.]+) ×", text)
    return float(found[1]) if found and "≤" not in text else None
