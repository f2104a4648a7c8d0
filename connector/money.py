"""Sums of money as text: the one pattern, and the number in a balance formatted for people."""

from __future__ import annotations

import re
from decimal import Context, Decimal, InvalidOperation

from connector.errors import quoted

AMOUNT_PATTERN = r"^[0-9]{1,12}(\.[0-9]{1,6})?$"

_TWELVE_DIGITS = Context(prec=12)
_NUMBER = re.compile(r"[0-9](?:[0-9.,'’ \u00a0\u202f]*[0-9])?", re.ASCII)


def plain(number: Decimal) -> str:
    """A decimal in digits without exponent and without trailing zeros: `0.3`, `1000`."""
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def millionths(number: Decimal) -> int:
    """An amount of at most 6 decimals as a whole number, for counting."""
    return int(number.scaleb(6))


def of_millionths(number: int) -> Decimal:
    """The amount that a whole number of millionths stands for."""
    return Decimal(number).scaleb(-6)


def plain_or_empty(number: Decimal | None) -> str:
    """The same as `plain`, "" for none."""
    return "" if number is None else plain(number)


def millionths_or_none(number: Decimal | None) -> int | None:
    """The same as `millionths`, None for none."""
    return None if number is None else millionths(number)


def of_millionths_or_none(number: int | None) -> Decimal | None:
    """The same as `of_millionths`, None for none."""
    return None if number is None else of_millionths(number)


def rounded(number: int | Decimal) -> str:
    try:
        rounded = _TWELVE_DIGITS.create_decimal(number)
    except InvalidOperation:
        return str(number)
    if not rounded.is_finite() or abs(rounded.adjusted()) > 15:
        return quoted(number)
    return plain(rounded)


def number_in(formatted: str) -> Decimal | None:
    """The number in `$1,234.50` or `1.234,50 €`, without unit and separators.

    None where there is no number, more than one, or one that can be read in two ways.
    """
    numbers = _NUMBER.findall(formatted)
    if len(numbers) != 1:
        return None
    text = re.sub(r"['’ \u00a0\u202f]", "", numbers[0])
    dots, commas = text.count("."), text.count(",")
    if dots and commas:
        decimal_mark = max(".,", key=text.rfind)
        group = "," if decimal_mark == "." else "."
        if text.count(decimal_mark) > 1 or not _grouped(text.split(decimal_mark)[0], group):
            return None
        text = text.replace(group, "").replace(",", ".")
    elif commas:
        text = text.replace(",", "") if _grouped(text, ",") else text.replace(",", ".")
    elif dots > 1:
        if not _grouped(text, "."):
            return None
        text = text.replace(".", "")
    if text.count(".") > 1:
        return None
    negative = re.search(r"[-−]\s*\D{0,3}$", formatted[: formatted.index(numbers[0])])
    return -Decimal(text) if negative else Decimal(text)


def _grouped(text: str, mark: str) -> bool:
    return re.fullmatch(rf"[0-9]{{1,3}}(?:{re.escape(mark)}[0-9]{{3}})+", text) is not None
