"""When a hook is switched off: at once if its address does not want it any more, else after days in
which nothing was taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from connector.store import hook_rows

FAILING_SECONDS = 5 * 86_400
"""A hook that only fails for so long is switched off."""
STREAK_SECONDS = 3 * 86_400
"""Failures further apart do not belong together: nothing was tried in between."""
_GIVEN_UP = "Switched off after five days in which nothing was taken."


def note(
    connection: Connection,
    *,
    well: Iterable[str],
    failing: Mapping[str, str],
    gone: Mapping[str, str],
) -> list[tuple[str, str]]:
    """Write down how hooks did. `well`: ids of those that took something; `failing` and `gone` (to
    be switched off at once) map ids to a sentence.

    Returns those that were switched off just now, with the reason.
    """
    well = set(well)
    hook_rows.lock(connection, {*well, *failing, *gone}, well)
    off: list[tuple[str, str]] = []
    for hook_id, problem in failing.items():
        hook_rows.mark_failing(connection, hook_id, problem, streak_seconds=STREAK_SECONDS)
        reason = f"{_GIVEN_UP} {problem}"
        if hook_id not in well and hook_rows.switch_off(
            connection, hook_id, reason, failing_for=FAILING_SECONDS
        ):
            off.append((hook_id, reason))
    if well:
        hook_rows.mark_well(connection, well)
    for hook_id, problem in gone.items():
        if hook_rows.switch_off(connection, hook_id, problem):
            off.append((hook_id, problem))
    return off
