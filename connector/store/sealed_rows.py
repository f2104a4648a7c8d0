"""Queries: what is kept sealed, or made, under a server secret, so that a secret is not given up
while something still needs it."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, update

from connector.store.hook_rows import ACTIVE
from connector.store.trigger_tables import hooks, subscriptions


def hook_secrets(connection: Connection) -> list[tuple[str, str]]:
    """Id and sealed secret of every live hook. One that is off gets a new secret when somebody
    subscribes again."""
    rows = connection.execute(select(hooks.c.id, hooks.c.secret).where(hooks.c.state == ACTIVE))
    return [(row.id, row.secret) for row in rows]


def kept_keys(connection: Connection) -> list[tuple[str, str]]:
    """Paywall and sealed key, where one is kept."""
    rows = connection.execute(
        select(subscriptions.c.paywall_id, subscriptions.c.kept_key).where(
            subscriptions.c.kept_key.is_not(None), subscriptions.c.key_refused_at.is_(None)
        )
    )
    return [(row.paywall_id, row.kept_key or "") for row in rows]


def replace_hook_secret(connection: Connection, hook_id: str, old: str, new: str) -> None:
    """Seal a hook's secret anew, unless it has another by now."""
    connection.execute(
        update(hooks).where(hooks.c.id == hook_id, hooks.c.secret == old).values(secret=new)
    )


def replace_kept_key(connection: Connection, paywall_id: str, old: str, new: str) -> None:
    """Seal a kept key anew, unless there is another by now."""
    connection.execute(
        update(subscriptions)
        .where(subscriptions.c.paywall_id == paywall_id, subscriptions.c.kept_key == old)
        .values(kept_key=new)
    )


def addresses_under(connection: Connection, endpoint_tag: str) -> int:
    """How many paywalls with a live hook get their events at an address that was made under the
    server secret whose ids begin so: nothing could be taken there without it."""
    live = select(hooks.c.paywall_id).where(hooks.c.state == ACTIVE)
    return connection.execute(
        select(func.count())
        .select_from(subscriptions)
        .where(
            subscriptions.c.paywall_id.in_(live),
            subscriptions.c.endpoint_id.startswith(f"{endpoint_tag}-", autoescape=True),
        )
    ).scalar_one()
