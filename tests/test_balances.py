"""Reading the number in a balance that was formatted for people."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.money import number_in


@pytest.mark.parametrize(
    ("formatted", "number"),
    [
        ("$1,234.50", "1234.50"),
        ("1.234,50 €", "1234.50"),
        ("1 234,50", "1234.50"),
        ("1\u00a0234,50 kr", "1234.50"),
        ("1’234.50 CHF", "1234.50"),
        ("$1,234,567.89", "1234567.89"),
        ("1.234.567,89 €", "1234567.89"),
        ("1,234", "1234"),
        ("1,5", "1.5"),
        ("0,000125 USDC", "0.000125"),
        ("12", "12"),
        ("-$3.00", "-3"),
        ("$-3.00", "-3"),
        ("- 3", "-3"),
        ("−3,00 €", "-3"),
        ("USDC 7.25", "7.25"),
        ("7.25 USDC.", "7.25"),
    ],
)
def test_a_number_is_read_whatever_its_unit_and_marks(formatted: str, number: str) -> None:
    assert number_in(formatted) == Decimal(number)


@pytest.mark.parametrize(
    "formatted",
    ["", "free", "∞", "1 of 2", "$1.00 (€0.90)", "1.2.3", "1,2,3", "1,234.5.6", "12,34.5", "١٢"],
)
def test_what_is_no_number_or_two_is_not_guessed(formatted: str) -> None:
    assert number_in(formatted) is None


@given(st.decimals(0, 10**9, places=2), st.sampled_from(["${}", "{} USDC", "-${}", "{} €"]))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_grouped_english_and_german_writing_are_the_same(number: Decimal, unit: str) -> None:
    english = f"{number:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    wanted = -number if unit.startswith("-") else number
    assert number_in(unit.format(english)) == wanted
    assert number_in(unit.format(german)) == wanted


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_no_text_is_our_failure(text: str) -> None:
    number = number_in(text)
    assert number is None or number.is_finite()
