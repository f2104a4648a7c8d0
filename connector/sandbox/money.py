"""Amounts: read from text, shown to people, written in upstream's raw unit."""

import re
from decimal import ROUND_UP, Decimal

from connector.sandbox.errors import SandboxError

SMALLEST = Decimal("0.000001")
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_RAW_UNITS = Decimal(10) ** 18


def read_amount(value: object) -> Decimal:
    """Return the amount in a decimal string such as "0.25"; SandboxError 400 for all else."""
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value) or Decimal(value) == 0:
        raise SandboxError(
            400,
            'The amount must be a decimal string above 0 with at most 6 decimals, such as "0.25".',
        )
    return Decimal(value)


def plain(amount: Decimal) -> str:
    """Return the amount as digits with at least two decimals: `4.50`, `0.000125`."""
    text = f"{amount:.6f}"
    whole, decimals = text.split(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def formatted(amount: Decimal, shared: bool) -> str:
    """Return the amount for display: `$1,234.50`, or `1,234.50 USDC` in Shared mode."""
    sign = "-" if amount < 0 else ""
    whole, decimals = plain(abs(amount)).split(".")
    digits = f"{int(whole):,}.{decimals}"
    return f"{sign}{digits} USDC" if shared else f"{sign}${digits}"


def raw_units(amount: Decimal) -> str:
    """Return the amount as a whole number of upstream's smallest unit, as text."""
    return str(int(amount * _RAW_UNITS))


def rounded_up(amount: Decimal) -> Decimal:
    """Return the amount with 6 decimals, in favour of the seller."""
    return amount.quantize(SMALLEST, rounding=ROUND_UP)
