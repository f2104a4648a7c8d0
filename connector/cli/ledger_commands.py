"""`connector ledger`: find charges and deposits, read what happened, decide what is unknown."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import click

from connector import actions
from connector.cli import ledger_story
from connector.cli.ledger_story import moment, row_as_json, state_of
from connector.ledger import exactly_once
from connector.ledger.ends import OPERATOR
from connector.store import Store, ledger_rows, ledger_search
from connector.store.ledger_rows import Entry
from connector.store.ledger_search import Wanted
from connector.telemetry.logs import redact_text

_UNDECIDED = (ledger_rows.IN_DOUBT, ledger_rows.UNKNOWN)
_DATE = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"])
_DECIDE = (
    "\nWhat is in doubt settles by itself when the reference is sent again within 23 hours."
    "\nWhat is unknown is never sent again. Look it up in the Paywalls dashboard, then say:\n"
    "  connector ledger resolve ID --charged      it went through: never send it again\n"
    "  connector ledger resolve ID --not-charged  it did not: the reference is free again"
)


def group(open_store: Callable[[], Store], stop: Callable[[str], None]) -> click.Group:
    """The commands. `open_store` opens the ledger, `stop` ends the program with a sentence."""

    @click.group("ledger", short_help="Find charges and deposits; decide.")
    def ledger() -> None:
        """Charges and deposits: find them, read what happened, decide what is unknown."""

    @ledger.command("list", short_help="Find rows; without options those undecided.")
    @click.option(
        "--state",
        type=click.Choice(ledger_rows.STATES),
        multiple=True,
        help="Only rows in this state; may be given more than once. Without any option those that "
        "are in_doubt or unknown are shown.",
    )
    @click.option("--reference", default="", help="Only rows with this reference.")
    @click.option("--user", default="", help="Only rows of this user.")
    @click.option("--since", type=_DATE, help="Only rows made at this time (UTC) or later.")
    @click.option("--until", type=_DATE, help="Only rows made before this time (UTC).")
    @click.option("--limit", default=100, show_default=True, help="The newest so many rows.")
    @click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of a table.")
    def listed(
        state: tuple[str, ...],
        reference: str,
        user: str,
        since: datetime | None,
        until: datetime | None,
        limit: int,
        as_json: bool,
    ) -> None:
        """Show rows, the oldest first; without options those that are not decided."""
        undecided = not (state or reference or user or since or until)
        wanted = Wanted(
            _UNDECIDED if undecided else state, reference, user, _utc(since), _utc(until)
        )
        rows = open_store().read(lambda connection: ledger_search.search(connection, wanted, limit))
        if as_json:
            click.echo(json.dumps([row_as_json(row) for row in rows], indent=2, ensure_ascii=False))
        elif rows:
            _print_table(rows)
            if any(state_of(row) in _UNDECIDED for row in rows):
                click.echo(_DECIDE)
        else:
            click.echo("Nothing is in doubt." if undecided else "There is no such row.")

    @ledger.command("show", short_help="Tell what is known of a row.")
    @click.argument("what", metavar="ID|REFERENCE")
    @click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of text.")
    def shown(what: str, as_json: bool) -> None:
        """Tell what is known of a row, by its id or its reference."""
        actions.load()
        stories = open_store().read(lambda connection: ledger_story.find(connection, what))
        if not stories:
            stop(f"There is no row with the id or reference “{redact_text(what)}”.")
        if as_json:
            told = [ledger_story.as_json(story) for story in stories]
            click.echo(json.dumps(told, indent=2, ensure_ascii=False))
            return
        for story in stories:
            ledger_story.echo(story)

    @ledger.command("resolve", short_help="Say whether it went through.")
    @click.argument("entry_id", metavar="ID")
    @click.option("--charged/--not-charged", default=None, help="Whether it went through.")
    def resolve(entry_id: str, charged: bool | None) -> None:
        """Say whether a charge or deposit in doubt went through."""
        if charged is None:
            stop("Say --charged if it went through, or --not-charged if it did not.")
        actions.load()
        try:
            entry = exactly_once.resolve(
                open_store(), entry_id, happened=bool(charged), who=OPERATOR
            )
        except LookupError as unknown:
            stop(
                f"This row cannot be decided here: {unknown}. Run this command with the version of "
                "the connector that made the row."
            )
        if entry is None:
            stop(
                f"There is nothing in doubt with the id {entry_id} (or it is being worked on right "
                "now). `connector ledger list` shows what there is."
            )
        else:
            click.echo(
                f"Reference {entry.reference} of user {entry.user_id} "
                + ("counts as done." if charged else "is free for another try.")
            )

    return ledger


def _print_table(rows: list[Entry]) -> None:
    heading = f"{'id':<20}  {'state':<8}  {'action':<8}  {'amount':>12}"
    click.echo(f"{heading}  {'since (UTC)':<19}  what")
    for row in rows:
        click.echo(
            f"{row.id:<20}  {state_of(row):<8}  {row.action:<8}  {row.amount:>12}  "
            f"{moment(row.created_at)}  user {row.user_id}, reference {row.reference}"
        )


def _utc(given: datetime | None) -> datetime | None:
    return None if given is None else given.replace(tzinfo=UTC)
