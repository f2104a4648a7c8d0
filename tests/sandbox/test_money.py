"""Amounts as they are shown."""

from decimal import Decimal

import pytest

from connector.sandbox.money import formatted, plain, raw_units, rounded_up


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "$0.00"),
        ("4.5", "$4.50"),
        ("0.000125", "$0.000125"),
        ("1234567.891", "$1,234,567.891"),
        ("-0.25", "-$0.25"),
    ],
)
def test_display_in_default_mode(amount: str, shown: str) -> None:
    assert formatted(Decimal(amount), shared=False) == shown


def test_display_in_shared_mode() -> None:
    assert formatted(Decimal("4.5"), shared=True) == "4.50 USDC"


def test_plain_has_at_least_two_decimals() -> None:
    assert [plain(Decimal(a)) for a in ("1", "1.1", "1.123456")] == ["1.00", "1.10", "1.123456"]


def test_raw_units_are_whole() -> None:
    assert raw_units(Decimal("0.000001")) == "1000000000000"


def test_costs_are_rounded_up() -> None:
    assert rounded_up(Decimal("0.0000001")) == Decimal("0.000001")
