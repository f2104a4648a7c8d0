"""What a load needs grows as it does, and every table is told how it can be split."""

from __future__ import annotations

import pytest

from connector.store.tables import metadata
from docs import scale

MEASURED = {
    "charge": "717/s, 1.33 ms CPU each, p99 33 ms",
    "event": "1,529/s, 0.51 ms CPU each, p99 40 ms",
    "read": "1,659/s, 0.60 ms CPU each, p99 30 ms",
    "charge in PostgreSQL": "0.75 ms CPU each",
    "event in PostgreSQL": "0.15 ms CPU each",
    "bytes of a charge": "1,800 bytes with indexes",
    "bytes of an event": "2,300 bytes with indexes",
    "one row": "1,246/s, p99 118 ms",
}
"""As the bench writes it."""


def test_every_table_is_told_once() -> None:
    told = [name for names in scale.by_key().values() for name in names]
    assert sorted(told) == sorted(metadata.tables)


def test_twice_the_paywalls_need_twice_the_cores_and_the_disk() -> None:
    one, two = scale.need(1_000, MEASURED), scale.need(2_000, MEASURED)
    for what in ("connector_cores", "database_cores", "stored"):
        assert getattr(two, what) == pytest.approx(2 * getattr(one, what))
    assert one.connectors >= 1 <= one.databases


def test_a_hundred_thousand_paywalls_get_a_billion_events_a_day() -> None:
    assert scale.PAYWALLS[-1] * scale.CALLS_A_DAY["event"] == 1_000_000_000


def test_the_page_says_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "cells", lambda: MEASURED)
    page = scale.page()
    assert "1,246 uses a second" in page
    assert "| charges | 1.33 ms | 752/s | 0.75 ms | 1,333/s |" in page
    assert "{" not in page


def test_what_was_not_measured_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scale.ROWS, "charge", "what nobody measured")
    with pytest.raises(KeyError):
        scale.cells()
    with pytest.raises(ValueError, match="no  ms CPU"):
        scale.number("fast", " ms CPU")


def test_the_page_is_up_to_date() -> None:
    assert scale.FILE.read_text(encoding="utf-8") == scale.page()
