"""A row of the result table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One thing that was measured, as text for people. `met` is None where there is no aim."""

    name: str
    ours: str
    peer: str = ""
    ratio: str = ""
    cpu: str = ""
    aim: str = ""
    met: bool | None = None
