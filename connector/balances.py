"""Reading the number in a balance that upstream formatted for people."""

from __future__ import annotations

import re
from decimal import Decimal

_NUMBER = re.compile(r"[0-9](?:[0-9.,'’ \u00a0\u202f]*[0-9])?", re.ASCII)


def number_in(formatted: str) -> Decimal | None:
    """The number in `$1,234.50` or `1.234,50 €`, without unit and separators.

    None where there is no number, more than one, or one that can be read in two ways.
    """
    found = _NUMBER.findall(formatted)
    if len(found) != 1:
        return None
    text = re.sub(r"['’ \u00a0\u202f]", "", found[0])
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
    negative = re.search(r"[-−]\s*\D{0,3}$", formatted[: formatted.index(found[0])])
    return -Decimal(text) if negative else Decimal(text)


def _grouped(text: str, mark: str) -> bool:
    return re.fullmatch(rf"[0-9]{{1,3}}(?:{re.escape(mark)}[0-9]{{3}})+", text) is not None
