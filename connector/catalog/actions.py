"""The catalog: every action, once, with its words, its schemas and its function.

Routes, OpenAPI, the Zapier app, the n8n nodes, the FlowXO recipes and the docs are made from it.
An action is a function under `@action` in a file of its own in `connector/actions/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, cast

from marshmallow import RAISE, Schema, ValidationError, validates_schema

from connector.catalog.fields import Flag, Text, Words
from connector.catalog.outcomes import UNKNOWN
from connector.catalog.test_runs import TEST, WOULD, test_run, would
from connector.money import plain

Values = dict[str, Any]


class Kind(StrEnum):
    """What calling an action does: tools offer reads and writes in different places."""

    READ = "read"
    WRITE = "write"
    SEARCH = "search"


class Input(Schema):
    """The flat input of an action; fields that it does not know are refused by name.

    `one_of` names the fields of which exactly one must be filled in, the usual one first.
    """

    one_of: ClassVar[tuple[str, ...]] = ()

    class Meta:
        unknown = RAISE

    @validates_schema
    def _one_of(self, values: Values, **_: Any) -> None:
        if self.one_of and sum(name in values for name in self.one_of) != 1:
            labels = " or ".join(f"“{self.fields[name].metadata['title']}”" for name in self.one_of)
            raise ValidationError(f"Fill in either {labels}, and only one of them.", self.one_of[0])


class Output(Schema):
    """The flat answer of an action: its first four fields; all fields are always there."""

    success = Flag("Success", "Yes when the action did what was asked.", example=True)
    outcome = Text("Outcome", "One word to branch on in a flow.", example="ok")
    message = Text(
        "Message",
        "One sentence that can be shown to the end user as it is.",
        example="Done.",
    )
    action_url = Text(
        "Action Link",
        "The link that the end user must open (to pay or to authorize), or empty.",
        example="https://paywalls.ai/top-up/cs_789",
    )


def _own_amount(values: Values) -> Decimal:
    return cast(Decimal, values["amount"])


@dataclass(frozen=True)
class ExactlyOnce:
    """That an action happens once per reference.

    `same` names the fields that make two calls with one reference the same wish; with other values
    in one of them the reference counts as used for something else. `amount` is how the amount comes
    about from the validated values; the ledger keeps it, and it is a Decimal. `priced` says that it
    is found by the paywall's rules instead, when the reference is taken; it may be 0, and then
    nobody is asked. `proof` is the type of upstream's event that says it happened, with its amount
    and user ("" if there is none).

    `refundable` says that it takes money, which can be given back. `refunds` says that it gives
    back what the row of `reference` took: user and amount are those of that row, and its own key is
    `refund_reference` where that is filled in.
    """

    same: tuple[str, ...] = ("user", "amount")
    amount: Callable[[Values], Decimal] = _own_amount
    priced: bool = False
    proof: str = ""
    refundable: bool = False
    refunds: bool = False

    def key_field(self, values: Values) -> str:
        """The name of the field in which the reference stands that is only ever counted once."""
        own = self.refunds and "refund_reference" in values
        return "refund_reference" if own else "reference"

    def texts(self, values: Values) -> tuple[str, ...]:
        """The values in `same` as text, for comparing: decimals in plain digits."""
        given = (values.get(name, "") for name in self.same)
        return tuple(plain(v) if isinstance(v, Decimal) else str(v) for v in given)

    def check(self, key: str, input: type[Input], outcomes: Mapping[str, str]) -> None:
        """Raises ValueError, with what to add, for an action that the ledger could not keep."""
        fields = fields_of(input)
        required = ("reference",) if self.refunds else ("user", "reference")
        needed = {*required, *self.same}
        needed |= {"refund_reference"} if self.refunds else set()
        needed |= {"amount"} if self.amount is _own_amount and not self.priced else set()
        for name in sorted(needed - set(fields)):
            raise ValueError(f"the exactly-once action {key} needs the input field {name}")
        for name in required:
            if not fields[name].required:
                raise ValueError(f"the field {name} of the exactly-once action {key} is required")
        if UNKNOWN not in outcomes:
            raise ValueError(f"the exactly-once action {key} must publish the outcome {UNKNOWN}")


@dataclass(frozen=True)
class Action:
    """One thing that a builder can do.

    `key` is published and never changes. `sentence` starts with a verb in the third person
    ("Charges …"). `outcomes` maps every outcome to what it means, the one of success first.
    `exactly_once`, if given, puts the ledger around `perform`; `get` says whether GET is answered
    as well as POST; `many` that the answer is a list of `output`; `stored` that it tells what
    the connector itself has of the caller's paywall. `at_most_once`, if given, is what is sent
    upstream for some values: a call with a reference is never sent twice then, may take long, and
    is known by that.
    """

    key: str
    label: str
    sentence: str
    kind: Kind
    path: str
    input: type[Input]
    output: type[Schema]
    perform: Callable[[Any, Values], Values]
    outcomes: Mapping[str, str]
    exactly_once: ExactlyOnce | None
    get: bool
    many: bool
    stored: bool
    at_most_once: Callable[[Values], Values] | None

    def words(self) -> dict[str, Words]:
        """The input's fields with their words, required ones first as they are declared."""
        return {name: f for name, f in fields_of(self.input).items() if isinstance(f, Words)}

    def form(self) -> dict[str, Words]:
        """Those of them that a tool's form shows."""
        return {name: field for name, field in self.words().items() if field.in_forms}

    def answer(self, result: Values) -> Values:
        """`result` with every key of the output schema, in its order, never null."""
        return {
            name: filler if (value := result.get(name)) is None else value
            for name, filler in _fillers(self.output)
        }


_fields: dict[type[Schema], dict[str, Any]] = {}
_filler_rows: dict[type[Schema], list[tuple[str, object]]] = {}
_registry: dict[str, Action] = {}


def fields_of(schema: type[Schema]) -> dict[str, Any]:
    """A schema's declared fields by name, instantiated once."""
    if schema not in _fields:
        _fields[schema] = dict(schema().fields)
    return _fields[schema]


def _fillers(schema: type[Schema]) -> list[tuple[str, object]]:
    if schema not in _filler_rows:
        _filler_rows[schema] = [(n, f.filler) for n, f in fields_of(schema).items()]
    return _filler_rows[schema]


def action(
    *,
    key: str,
    label: str,
    sentence: str,
    kind: Kind,
    input: type[Input],
    output: type[Schema],
    outcomes: Mapping[str, str],
    exactly_once: ExactlyOnce | None = None,
    get: bool | None = None,
    many: bool = False,
    stored: bool = False,
    at_most_once: Callable[[Values], Values] | None = None,
) -> Callable[[Callable[[Any, Values], Values]], Callable[[Any, Values], Values]]:
    """Register a function as an action; its address is `/v1/<key with dashes>`.

    Reads answer GET as well as POST, writes only POST unless `get` says so. An exactly-once action
    can be asked for a test run without knowing of it. Raises ValueError for
    a key that is taken, and for an exactly-once action without what the ledger needs.
    """

    def register(perform: Callable[[Any, Values], Values]) -> Callable[[Any, Values], Values]:
        if key in _registry:
            raise ValueError(f"two actions are called {key}")
        published, taken = dict(outcomes), input
        if exactly_once is not None:
            exactly_once.check(key, input, outcomes)
            published |= {would(key): WOULD}
            taken = type(input.__name__, (input,), {TEST: test_run(), "__doc__": input.__doc__})
        _registry[key] = Action(
            key=key,
            label=label,
            sentence=sentence,
            kind=kind,
            path="/" + key.replace("_", "-"),
            input=taken,
            output=output,
            perform=perform,
            outcomes=published,
            exactly_once=exactly_once,
            get=kind is not Kind.WRITE if get is None else get,
            many=many,
            stored=stored,
            at_most_once=at_most_once,
        )
        return perform

    return register


def actions() -> tuple[Action, ...]:
    """Every registered action, in the order in which they are listed."""
    return tuple(_registry.values())


def arrange(order: Sequence[str]) -> None:
    """List the actions in this order of their keys, others behind by key: who imported one of them
    first changes nothing."""
    rank = {key: place for place, key in enumerate(order)}
    keys = sorted(_registry, key=lambda key: (rank.get(key, len(rank)), key))
    arranged = {key: _registry[key] for key in keys}
    _registry.clear()
    _registry.update(arranged)


def by_key(key: str) -> Action | None:
    """The action with this key, or None."""
    return _registry.get(key)
