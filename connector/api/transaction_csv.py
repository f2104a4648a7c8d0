"""A paywall's transactions as a table for spreadsheets, page by page from the database.

A cell that a spreadsheet would run as a formula is made text by an apostrophe, which spreadsheets
do not show (https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from flask import Response
from flask_smorest import Blueprint

from connector.actions.transactions import TransactionsInput
from connector.api.authentication import Access, Caller, Right
from connector.api.flat_blueprint import FlatBlueprint
from connector.api.services import Services, services
from connector.api.transactions import currency_label, transactions
from connector.catalog.actions import Values
from connector.security.rights import VIEW
from connector.store.transaction_rows import LOOKED_AT

COLUMNS = (
    "id",
    "created_at",
    "action",
    "reference",
    "user",
    "amount",
    "currency",
    "feature",
    "happened",
    "state",
    "result",
    "description",
)
MOST = 100_000
"""How many rows one table has at most; the next one begins `before` its last id."""
_AT_A_TIME = 500
_CSV = "text/csv"
_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n")


class TransactionsCsvInput(TransactionsInput):
    """The same as for Find Transaction, but that all of them are given."""

    class Meta(TransactionsInput.Meta):
        exclude = ("limit",)


def blueprint() -> Blueprint:
    """The route of the table."""
    blp = FlatBlueprint("transactions_csv", __name__, url_prefix="/v1", description="Transactions")

    @blp.call(
        "/transactions.csv",
        "GET",
        Access.PAYWALL,
        Right(("transactions", VIEW)),
        takes=TransactionsCsvInput,
        gives=TransactionsCsvInput,
        content_type=_CSV,
    )
    def transactions_csv(caller: Caller, values: Values) -> Response:
        """Gives transactions as a table for spreadsheets, newest first."""
        return table(services(), caller, values)

    return blp


def table(parts: Services, caller: Caller, values: Values) -> Response:
    """The transactions that `values` ask for, as a file to download."""
    label = currency_label(parts, caller.paywall)
    pages = _pages(parts, caller, values)
    first = next(pages, [])  # what cannot be asked for is told before anything is sent
    response = Response(_lines(chain([first], pages), label), mimetype=_CSV)
    response.headers["Content-Disposition"] = 'attachment; filename="transactions.csv"'
    return response


def _pages(parts: Services, caller: Caller, values: Values) -> Iterator[list[Values]]:
    if "begins" in values:  # of which there are no pages
        yield transactions(parts, caller.paywall, values | {"limit": LOOKED_AT})
        return
    given, asked = 0, dict(values)
    while given < MOST:
        rows = transactions(parts, caller.paywall, asked | {"limit": _AT_A_TIME})
        given += len(rows)
        yield rows
        if len(rows) < _AT_A_TIME:
            return
        asked["before"] = rows[-1]["id"]


def _lines(pages: Iterable[list[Values]], label: str) -> Iterator[str]:
    yield _line(COLUMNS)
    for rows in pages:
        yield "".join(_line([_cell(row, name, label) for name in COLUMNS]) for row in rows)


def _cell(row: Values, name: str, label: str) -> str:
    if name == "happened":
        return "yes" if row[name] else "no"
    text = label if name == "currency" else str(row[name])
    return f"'{text}" if text.startswith(_RUNS) else text


def _line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
