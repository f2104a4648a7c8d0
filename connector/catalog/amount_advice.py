"""What to write instead of a text that is not an amount.

A number is only named where it is the same sum. What can be read in two ways gets both, each with
its meaning, or none.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation

from connector.errors import quoted
from connector.money import AMOUNT_PATTERN, plain

_AMOUNT = re.compile(AMOUNT_PATTERN, re.ASCII)
_SPACES = " \u00a0\u2009\u202f"
_SIGNS = "$€£¥₹₽₩₺₴₫₪₦₱฿"
_CODES = (
    " usd eur gbp chf jpy cny inr brl cad aud nzd sek nok dkk pln czk huf ron uah rub try ils zar "
    "ngn kes mxn ars clp cop sgd hkd twd krw thb idr myr php vnd aed sar usdc usdt r$ us$ ca$ a$ "
    "fr. kr zł kč rs rs. euro "
)
"""Units that are one of the currency itself; not `ct`, `k` or `Mio`, which are another sum."""
_UNIT = rf"[^\d,{_SPACES}-]*"
_WITH_UNIT = re.compile(rf"({_UNIT})[{_SPACES}]?(\d.*\d|\d)[{_SPACES}]?({_UNIT})")
_ONE_BY_ONE = "if it is a list, send each amount on its own"


def advice(text: str, example: object) -> str:
    """The rest of a sentence that begins with the field's name."""
    shown, stripped = quoted(text), text.strip()
    ascii_digits = "".join(
        str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in stripped
    )
    if re.match(r"^[-−]", stripped):
        return f"must be above 0, but is “{shown}”. Check the step that it comes from."
    if ascii_digits != stripped and _AMOUNT.match(ascii_digits):
        return f"must use the digits 0 to 9: write {ascii_digits} instead of “{shown}”."
    if stripped != text and _AMOUNT.match(stripped):
        return f"must be only the number: write {stripped} without spaces around it."
    if re.match(r"^[0-9]+\.[0-9]{7,}$", stripped):
        return f"may have at most 6 digits after the dot, but is “{shown}”. Round it first."
    if re.match(r"^[0-9]{13,}", stripped):
        return f"is too large: “{shown}”. Check the step that it comes from."
    if re.match(r"^[0-9.]+[eE][+-]?[0-9]+$", stripped):
        full = _written_out(stripped)
        if _AMOUNT.match(full):
            return f"must be written out in digits: write {full} instead of “{shown}”."
    if re.match(r"^\.[0-9]{1,6}$", stripped):
        return f"needs a digit before the dot: write 0{stripped} instead of “{shown}”."
    return _other_spelling(stripped, shown) or (
        f"must be a number with a dot, such as {example}, but is “{shown}”."
    )


def _other_spelling(text: str, shown: str) -> str:
    """The advice for a sum with a currency, grouped digits or a decimal comma; "" for others."""
    bare = _without_currency(text)
    if _AMOUNT.match(bare):
        return f"must be only the number: write {bare} instead of “{shown}”."
    if re.match(r"^[0-9]{1,3},[0-9]{3}$", bare):
        ways = f"{bare.replace(',', '')} or {bare.replace(',', '.')}"
        return f"can be read in two ways: write {ways} instead of “{shown}”; {_ONE_BY_ONE}."
    plainly = _same_sum(bare)
    if not plainly and re.match(r"^[0-9.]+(?:[,;|][0-9.]+)+$", re.sub(rf"[{_SPACES}]", "", bare)):
        return f"must be one number, but “{shown}” looks like several: send each on its own."
    if not _AMOUNT.match(plainly):
        return ""
    if set(bare) - set("0123456789") == {","}:
        return f"needs a dot: if “{shown}” is one amount, write {plainly} instead; {_ONE_BY_ONE}."
    return f"must be plain digits with a dot: write {plainly} instead of “{shown}”."


def _without_currency(text: str) -> str:
    """A number without the currency in front of it or behind it; else the text as it is."""
    found = _WITH_UNIT.fullmatch(text)
    if not found:
        return text
    before, number, behind = found[1], found[2], found[3]
    units = [unit for unit in (before, behind) if unit]
    known = all(unit in _SIGNS or f" {unit.casefold()} " in _CODES for unit in units)
    return number if len(units) == 1 and known else text


def _same_sum(text: str) -> str:
    """The same sum in digits and one dot, where there is only one way to read it; else ""."""
    marks = [c for c in text if not c.isdecimal()]
    if not marks or not set(marks) <= set(_SPACES + ".,'’_"):
        return ""
    whole, fraction = text, ""
    if marks[-1] in ".," and marks.count(marks[-1]) == 1:
        whole, _, fraction = text.partition(marks[-1])
        if not fraction.isdecimal():
            return ""
    grouping = {c for c in whole if not c.isdecimal()}
    if len(grouping) > 1:
        return ""
    if grouping:
        mark = re.escape(grouping.pop())
        thousands = rf"[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+"
        indian = rf"[0-9]{{1,2}}(?:{mark}[0-9]{{2}})*{mark}[0-9]{{3}}"
        if not (re.fullmatch(thousands, whole) or (mark == "," and re.fullmatch(indian, whole))):
            return ""
        whole = re.sub(r"[^0-9]", "", whole)
    return f"{whole}.{fraction}" if fraction else whole


def _written_out(scientific: str) -> str:
    """`1e3` as 1000; "" for what has too many digits to be an amount."""
    try:
        number = Decimal(scientific)
    except InvalidOperation:
        return ""
    return plain(number) if abs(number.adjusted()) <= 15 else ""
