"""What `connector doctor` says about triggers: do they come in, do they leave, was any missed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from connector.cli.probe import Finding
from connector.config.settings import Settings
from connector.security.secret_rotation import ADVICE, lacking
from connector.store import Store, health_rows
from connector.store.subscription_rows import READY, Subscription

_SHOWN = 3
_DAY = "%Y-%m-%d %H:%M UTC"


def trigger_findings(
    store: Store, settings: Settings, secret_keys: Sequence[str]
) -> Iterator[Finding]:
    """The findings over a database with this version's tables; `secret_keys` are those in use, or
    none if they cannot be read."""
    if secret_keys:
        yield _stored_secrets(store, settings, secret_keys)

    def look(
        connection: Connection,
    ) -> tuple[
        list[Subscription],
        tuple[int, list[health_rows.OffHook]],
        health_rows.Outbox,
        list[health_rows.Gap],
    ]:
        return (
            health_rows.subscribed(connection),
            health_rows.hooks_of(connection),
            health_rows.outbox(connection),
            health_rows.gaps(connection),
        )

    rows, (live, off), outbox, gaps = store.read(look)
    yield _subscriptions(rows, settings)
    yield _hooks(live, off)
    yield _outbox(outbox, settings)
    yield _gaps(gaps)


def _stored_secrets(store: Store, settings: Settings, secret_keys: Sequence[str]) -> Finding:
    if mismatch := lacking(store, secret_keys, settings.ledger_retention_days):
        return Finding("secrets", False, mismatch.sentence, ADVICE)
    return Finding("secrets", True, "Everything that is stored can be read with them.")


def _subscriptions(rows: Sequence[Subscription], settings: Settings) -> Finding:
    name, count = "webhooks", _counted(len(rows), "paywall has hooks", "paywalls have hooks")
    if not rows:
        return Finding(name, True, "No paywall has hooks, so none needs its events now.")
    if not settings.public_url:
        return Finding(
            name,
            False,
            f"{count}, but no events can come in, because there is no public address.",
            "Set CONNECTOR_PUBLIC_URL to the https address of this connector.",
        )
    failed = [row for row in rows if row.state != READY]
    if failed:
        told = "; ".join(
            f"{row.paywall_id}: {row.problem or 'it was not subscribed yet'}"
            for row in failed[:_SHOWN]
        )
        return Finding(
            name,
            False,
            f"{count}. The events of {len(failed)} of them do not come in. {told}",
            "See that the worker runs: it tries again every minute. If it lasts, let the paywall's "
            "owner use a flow once, or test the connection.",
        )
    lost = [row.paywall_id for row in rows if not row.kept_key or row.key_refused_at]
    if lost and settings.keep_keys:
        return Finding(
            name,
            True,
            f"{count}, and their events come in. For {len(lost)} of them no valid key is kept "
            f"({', '.join(lost[:_SHOWN])}), so nobody looks after the subscription.",
            "Let their owners test the connection in their tool, with the newest key.",
        )
    return Finding(name, True, f"{count}, and their events come in.")


def _hooks(live: int, off: Sequence[health_rows.OffHook]) -> Finding:
    on = _counted(live, "hook is on", "hooks are on")
    if not off:
        return Finding("hooks", True, f"{on}, none was switched off.")
    told = "; ".join(f"{hook.id} ({hook.trigger}): {hook.problem}" for hook in off[:_SHOWN])
    more = f"; and {len(off) - _SHOWN} more" if len(off) > _SHOWN else ""
    return Finding(
        "hooks",
        True,
        f"{on}, {len(off)} switched off. {told}{more}",
        "Where somebody still wants them: switch the flow off and on, or subscribe again, then "
        "POST /v1/hooks/<id>/replay for what came meanwhile.",
    )


def _outbox(outbox: health_rows.Outbox, settings: Settings) -> Finding:
    waiting = _counted(outbox.waiting, "push waits", "pushes wait")
    if not outbox.overdue:
        late = f"; the oldest is due for {outbox.oldest_due:.0f} s" if outbox.oldest_due else ""
        return Finding("outbox", True, f"{waiting} to be sent{late}.")
    start = (
        "Start connector serve, and see in its log why it sends nothing."
        if settings.run_worker
        else "Start connector worker: CONNECTOR_RUN_WORKER is false, so connector serve sends none."
    )
    return Finding(
        "outbox",
        False,
        f"{waiting} to be sent, the oldest for {outbox.oldest_due / 60:.0f} minutes, also to "
        f"{_counted(outbox.overdue, 'hook', 'hooks')} that took the last one: nothing sends them.",
        f"{start} If it runs, it cannot keep up: start another connector worker.",
    )


def _gaps(gaps: Sequence[health_rows.Gap]) -> Finding:
    recent = [gap for gap in gaps if gap.recent]
    if not recent:
        older = f" (before that: {gaps[0].since.strftime(_DAY)})" if gaps else ""
        return Finding("gaps", True, f"No events were lost in the last seven days{older}.")
    told = "; ".join(
        f"{gap.paywall_id}, {gap.since.strftime(_DAY)}: {gap.note}" for gap in recent[:_SHOWN]
    )
    return Finding(
        "gaps",
        False,
        f"Events of {_counted(len(recent), 'paywall', 'paywalls')} may be missing for good. {told}",
        "Tell the owners to compare with their Paywalls dashboard. To prevent it, see why the "
        "connector could not be reached for more than an hour.",
    )


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
