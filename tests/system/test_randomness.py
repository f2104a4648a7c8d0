"""Nothing of ours draws from the `random` module's shared state: threads in the background would
change what others (such as hypothesis, between two looks) expect to find there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_waits_are_spread_by_generators_of_their_own() -> None:
    shared = re.compile(r"\brandom\.(?!Random\b|SystemRandom\b)\w+\(")
    match = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file in (ROOT / "connector").rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if shared.search(line)
    ]
    assert match == []
