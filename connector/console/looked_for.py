"""What somebody looks for among the transactions, as it stands in the address of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from connector.actions.transactions import STATES, TransactionsInput
from connector.api.flat_blueprint import filled
from connector.catalog.actions import Values
from connector.console.times import beginning
from connector.errors import InvalidField

_DAYS = ("since", "until")
_NAMES = ("reference", "user", "state", *_DAYS, "before")


@dataclass(frozen=True)
class LookedFor:
    """`typed` as it was typed, `values` as Find Transaction takes them, or a `problem` with it. A
    reference is looked for by its beginning; those are not cut into pages."""

    typed: Mapping[str, str]
    values: Values
    problem: str = ""
    states: tuple[str, ...] = STATES

    def older(self, before: str) -> str:
        """The address of those that are older than a transaction."""
        return "?" + urlencode({**self.typed, "before": before})

    @property
    def as_table(self) -> str:
        """The address of all of them as a table."""
        asked = {name: text for name, text in self.typed.items() if name != "before"}
        return f"/console/transactions.csv?{urlencode(asked)}"


def looked_for(args: Mapping[str, str], only_user: str) -> LookedFor:
    """What the address asks for; a token of one user asks for that user's alone."""
    typed = {name: args[name].strip() for name in _NAMES if args.get(name, "").strip()}
    asked = {name: beginning(text) if name in _DAYS else text for name, text in typed.items()}
    if "reference" in asked:
        asked["begins"] = asked.pop("reference")
    if only_user:
        asked["user"] = only_user
    try:
        return LookedFor(typed, filled(TransactionsInput(), asked))
    except InvalidField as wrong:
        return LookedFor(typed, {}, wrong.message)
