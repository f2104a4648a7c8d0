"""Times and days on the pages of the console: those of the paywall's own time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import g

from connector.store.settings_rows import PaywallSettings
from connector.triggers.items import shown

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def settings() -> PaywallSettings:
    """What the owner of the paywall that is looked at has set."""
    found: PaywallSettings = g.get("paywall_settings") or PaywallSettings()
    return found


def local(moment: str | datetime) -> str:
    """A moment as people at the paywall read it, such as 2026-01-31 13:00:05."""
    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{when.astimezone(ZoneInfo(settings().timezone)):%Y-%m-%d %H:%M:%S}"


def beginning(text: str) -> str:
    """A day, as browsers give it, is the moment at which it begins there; other text stays."""
    if not _DAY.fullmatch(text):
        return text
    try:
        day = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(settings().timezone))
    except ValueError:
        return text  # the field says what a time is
    return shown(day.astimezone(UTC))
