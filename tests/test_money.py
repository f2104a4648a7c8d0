"""Amounts: what is accepted reaches upstream exactly, what is refused gets a sentence."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from connector import jsontext
from connector.catalog.fields import Amount
from connector.errors import quoted
from connector.money import AMOUNT_PATTERN, plain
from tests.api.builder import check_sentence

FIELD = Amount("Amount", "How much.", example="0.50")
ANYTHING = settings(max_examples=500, deadline=None, derandomize=True)


def read(value: object) -> Decimal:
    """As it is read from a request: JSON numbers by their own text."""
    number = FIELD.deserialize(jsontext.loads(json.dumps(value)))
    assert isinstance(number, Decimal)
    return number


def sentence(value: object) -> str:
    with pytest.raises(ValidationError) as refused:
        FIELD.deserialize(value)
    [message] = refused.value.messages
    return str(message)


@given(st.from_regex(r"\A[0-9]{1,12}(\.[0-9]{1,6})?\Z"))
@ANYTHING
def test_every_written_amount_reaches_upstream_exactly(text: str) -> None:
    if Decimal(text) == 0:
        assert "above 0" in sentence(text)
        return
    sent = plain(read(text))
    assert Decimal(sent) == Decimal(text)
    assert re.match(AMOUNT_PATTERN, sent)


@given(st.decimals("0.000001", "999999", places=6))
@ANYTHING
def test_a_json_number_of_up_to_twelve_digits_is_exact(number: Decimal) -> None:
    assert FIELD.deserialize(jsontext.loads(str(number))) == number


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0.30000000000000004", "0.3"),
        ("0.1", "0.1"),
        ("1e3", "1000"),
        ("1E-6", "0.000001"),
        ("12.10", "12.1"),
        ("2.675", "2.675"),
        ("100000.000001", "100000.000001"),
        ("99999999.9999999", "100000000"),
        ("5", "5"),
        ("5.0", "5"),
        ("1.0000000000001", "1"),
    ],
)
def test_json_numbers_are_rounded_to_twelve_significant_digits(text: str, amount: str) -> None:
    assert plain(FIELD.deserialize(jsontext.loads(text))) == amount


@given(st.integers(1, 999), st.integers(1, 999))
@ANYTHING
def test_what_a_tool_computed_in_floats_is_the_amount_that_was_meant(
    cents: int, times: int
) -> None:
    assert read(cents / 100 * times) == Decimal(cents * times) / 100


@given(st.text(max_size=40) | st.text("0123456789.,eE+-_' $€٣１", max_size=30))
@example("1e999999999")
@example("1e-999999999")
@example("1" + "'1" * 5_000)
@example("9" * 100_000)
@example("²")
@example("1\n")
@example("\x00")
@ANYTHING
def test_every_other_text_is_refused_with_a_sentence(text: str) -> None:
    if re.fullmatch(AMOUNT_PATTERN, text, re.ASCII) and not text.endswith("\n") and Decimal(text):
        return
    # What the caller wrote is quoted, and may look like anything.
    check_sentence(sentence(text).replace(f"“{quoted(text)}”", "that"))


@given(
    st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.text(max_size=2), st.integers(), max_size=2)
    | st.just(Decimal("1e999999"))
)
@ANYTHING
def test_no_value_of_any_kind_is_our_failure(value: object) -> None:
    try:
        number = FIELD.deserialize(value)
    except ValidationError as refused:
        check_sentence(str(refused.messages[0]))
    else:
        assert re.match(AMOUNT_PATTERN, plain(number))


@given(st.decimals(-(10**20), 10**20, places=6, allow_nan=False))
@ANYTHING
def test_plain_writes_a_number_without_exponent_and_needless_zeros(number: Decimal) -> None:
    written = plain(number)
    assert Decimal(written) == number
    assert re.fullmatch(r"-?[0-9]+(\.[0-9]*[1-9])?", written)
