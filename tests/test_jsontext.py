"""JSON is read with all its digits, and only if it can be written again."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector import jsontext

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_what_is_read_can_be_written_and_is_the_same(value: object) -> None:
    assert json.loads(jsontext.dumps(jsontext.loads(json.dumps(value)))) == value


@pytest.mark.parametrize(
    "number", ["0.1", "1.10", "1234567890123456789.5", "1E+400", "12345678901234567890123", "-0.0"]
)
def test_numbers_keep_their_digits(number: str) -> None:
    assert jsontext.dumps(jsontext.loads(number)) == number.encode()
    assert str(jsontext.loads(number)) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nope",
        "NaN",
        "Infinity",
        "-Infinity",
        '"\\ud800"',
        '{"\\udc00": 1}',
        "[" * 300 + "]" * 300,
        "[" * 200_000,
        "1e99999999999999999999",
        "1" * 5_000 + "e99999999999999999999",
        b"\xff",
        '"a\tb"',
    ],
    ids=lambda text: repr(text[:16]),
)
def test_everything_else_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        jsontext.loads(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (5, "5"),
        (Decimal("0.10"), "0.10"),
        (None, ""),
        (True, ""),
        ([1], ""),
        ({"a": 1}, ""),
    ],
)
def test_a_scalar_is_text_and_nothing_else_is(value: object, text: str) -> None:
    assert jsontext.scalar(value) == text
