"""Sums of money as text: the one pattern and what to say to any other spelling, and the number in a
balance that upstream formatted for people."""

from __future__ import annotations

import re
import unicodedata
from decimal import Context, Decimal, InvalidOperation

from connector.errors import quoted

AMOUNT_PATTERN = r"^[0-9]{1,12}(\.[0-9]{1,6})?$"

_AMOUNT = re.compile(AMOUNT_PATTERN, re.ASCII)
_TWELVE_DIGITS = Context(prec=12)
_CURRENCY = re.compile(r"^(?:[$€£¥]|[A-Za-z]{3,4})?\s*([0-9.,]+)\s*(?:[$€£¥]|[A-Za-z]{3,4})?$")
_NUMBER = re.compile(r"[0-9](?:[0-9.,'’ \u00a0\u202f]*[0-9])?", re.ASCII)


def plain(number: Decimal) -> str:
    """A decimal in digits without exponent and without trailing zeros: `0.3`, `1000`."""
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def rounded(number: int | Decimal) -> str:
    try:
        rounded = _TWELVE_DIGITS.create_decimal(number)
    except InvalidOperation:
        return str(number)
    if not rounded.is_finite() or abs(rounded.adjusted()) > 15:
        return quoted(number)
    return plain(rounded)


def advice(text: str, example: object) -> str:
    """What to write instead of `text`, which is not an amount."""
    shown, stripped = quoted(text), text.strip()
    ascii_digits = "".join(
        str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in stripped
    )
    if re.match(r"^[-−]", stripped):
        return f"must be above 0, but is “{shown}”. Write it without the minus sign."
    if ascii_digits != stripped and _AMOUNT.match(ascii_digits):
        return f"must use the digits 0 to 9: write {ascii_digits} instead of “{shown}”."
    if stripped != text and _AMOUNT.match(stripped):
        return f"must be only the number: write {stripped} without spaces around it."
    if re.match(r"^[0-9]+\.[0-9]{7,}$", stripped):
        return f"may have at most 6 digits after the dot, but is “{shown}”. Round it first."
    if re.match(r"^[0-9]{13,}", stripped):
        return f"is too large: “{shown}”. Write a smaller number."
    if re.match(r"^[0-9.]+[eE][+-]?[0-9]+$", stripped):
        full = _written_out(stripped)
        if _AMOUNT.match(full):
            return f"must be written out in digits: write {full} instead of “{shown}”."
    if re.match(r"^[0-9]{1,3},[0-9]{3}$", stripped):
        return (
            f"can be read in two ways: write {stripped.replace(',', '')} or "
            f"{stripped.replace(',', '.')} instead of “{shown}”."
        )
    if re.match(r"^[0-9]+,[0-9]{1,6}$", stripped):
        return f"needs a dot, not a comma: write {stripped.replace(',', '.')} instead of “{shown}”."
    bare = _CURRENCY.match(stripped)
    if bare and _AMOUNT.match(bare[1]):
        return f"must be only the number: write {bare[1]} instead of “{shown}”."
    if re.match(r"^\.[0-9]{1,6}$", stripped):
        return f"needs a digit before the dot: write 0{stripped} instead of “{shown}”."
    digits = re.sub(r"[,_' ]", "", stripped)
    if stripped[:1].isdigit() and _AMOUNT.match(digits):
        return f"must not group its digits: write {digits} instead of “{shown}”."
    return f"must be a number with a dot, such as {example}, but is “{shown}”."


def _written_out(scientific: str) -> str:
    """`1e3` as 1000; "" for what has too many digits to be an amount."""
    try:
        number = Decimal(scientific)
    except InvalidOperation:
        return ""
    return plain(number) if abs(number.adjusted()) <= 15 else ""


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
