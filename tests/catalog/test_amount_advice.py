"""Advice on an amount never changes the sum."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from connector.catalog.fields import Amount
from tests.api.builder import check_sentence
from tests.catalog.amount_cases import MAYBE_A_LIST, NO_NUMBER, SAME_SUM

FIELD = Amount("Amount", "How much.", example="0.50")
WAYS = [(",", "."), (".", ","), ("'", "."), ("'", ","), (" ", ","), ("\u202f", ","), ("_", ".")]


def told(text: str) -> str:
    with pytest.raises(ValidationError) as refused:
        FIELD.deserialize(text)
    [message] = refused.value.messages
    check_sentence(str(message))
    return str(message)


def named(text: str) -> set[str]:
    """The numbers that the sentence names to write instead."""
    sentence = re.sub("“[^”]*”", "", told(text))
    return set(re.findall(r"(?:write|or) ([0-9][0-9.]*)", sentence))


@pytest.mark.parametrize(("text", "same"), SAME_SUM)
def test_a_sum_with_one_meaning_is_told_as_that_sum(text: str, same: str) -> None:
    assert named(text) == {same}


@pytest.mark.parametrize(("text", "ways"), MAYBE_A_LIST)
def test_what_may_be_several_amounts_says_so(text: str, ways: set[str]) -> None:
    assert named(text) == ways
    assert "if it is a list, send each amount on its own" in told(text)


@pytest.mark.parametrize("text", NO_NUMBER)
def test_what_has_no_certain_sum_is_told_no_number(text: str) -> None:
    assert named(text) == set()


@given(
    sum=st.decimals("1000", "999999999", places=2),
    way=st.sampled_from(WAYS),
    currency=st.sampled_from(["", "$", "€", "CHF "]),
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_every_usual_spelling_is_told_as_its_own_sum(
    sum: Decimal, way: tuple[str, str], currency: str
) -> None:
    group, mark = way
    text = f"{sum:,}".replace(",", "G").replace(".", mark).replace("G", group)
    assert {Decimal(number) for number in named(currency + text)} == {sum}


@given(st.text("0123456789.,' ", min_size=1, max_size=9))
@settings(max_examples=2_000, deadline=None, derandomize=True)
def test_a_named_number_has_the_digits_that_were_sent(text: str) -> None:
    try:
        FIELD.deserialize(text)
    except ValidationError:
        digits = re.sub(r"[^0-9]", "", text)
        for number in named(text):
            assert number.replace(".", "").lstrip("0") == digits.lstrip("0")
