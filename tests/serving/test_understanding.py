"""No request is understood differently than by gunicorn, in whatever pieces it comes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.serving.odd_requests import ODD
from tests.serving.understanding import by_gunicorn, by_us, config

PARSERS = {name: config(name) for name in ("python", "fast")}


def pieces(raw: bytes, size: int) -> list[bytes]:
    return [raw[start : start + size] for start in range(0, len(raw), size)]


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("parser", PARSERS)
def test_odd_requests_mean_the_same_to_us(parser: str, name: str, size: int) -> None:
    cfg, raw = PARSERS[parser], ODD[name]
    assert by_us(pieces(raw, size), cfg) == by_gunicorn(raw, cfg)


@pytest.mark.parametrize("parser", PARSERS)
@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_changed_requests_mean_the_same_to_us(parser: str, data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(sorted(ODD.values()))))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1)) if raw else 0
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from(
                [b"", b"\r", b"\n", b"\r\n", b" ", b"\t", b";", b"0", b"f", b":", b"\x00"]
            )
        )
    size = data.draw(st.sampled_from([1, 2, 5, 64, 100_000]))
    cfg = PARSERS[parser]
    assert by_us(pieces(bytes(raw), size), cfg) == by_gunicorn(bytes(raw), cfg)
