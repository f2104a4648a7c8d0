"""A model that thinks for 90 seconds: longer than any tool's step waits, shorter than a proxy."""

from __future__ import annotations

from tests.support.processes import PATIENCE

SECONDS = 90
SLOW_MODEL = f"sandbox-slow-{SECONDS}"
LONG_PATIENCE = SECONDS + PATIENCE
