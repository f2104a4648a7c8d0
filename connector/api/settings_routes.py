"""A paywall's settings: where its day begins at midnight, and what stands beside amounts."""

from __future__ import annotations

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema

from connector.api.authentication import ONLY_THE_KEY, Access, Caller, Right
from connector.api.flat_blueprint import FlatBlueprint
from connector.api.responses import json_answer
from connector.api.services import services
from connector.api.trigger_routes import NoInput
from connector.catalog.actions import Input, Values
from connector.catalog.fields import Identifier, Text
from connector.catalog.time_zones import TimeZone
from connector.security.rights import VIEW
from connector.store import settings_rows
from connector.store.settings_rows import UTC_NAME, PaywallSettings
from connector.triggers.items import shown


class SettingsInput(Input):
    """What a paywall's owner can set; what is left out is set back."""

    timezone = TimeZone(
        "Time Zone",
        "Where the paywall's day begins at midnight: allowances, caps and the limits of tokens "
        "count by it. UTC if empty.",
        example="Europe/Berlin",
        max_length=64,
    )
    currency_label = Identifier(
        "Currency Label",
        "What stands beside amounts on pages and in lists, such as EUR or credits.",
        example="USD",
        max_length=16,
    )


class SettingsOutput(Schema):
    """The settings, and the day that it is by them."""

    timezone = Text("Time Zone", "Where the day begins at midnight.", example="Europe/Berlin")
    currency_label = Text("Currency Label", "What stands beside amounts.", example="USD")
    day = Text("Day", "The day that it is.", example="2026-01-31")
    day_ends_at = Text(
        "Day Ends At", "When the next one begins.", example="2026-01-31T23:00:00.000Z"
    )


def blueprint() -> Blueprint:
    """The routes under /v1/settings."""
    blp = FlatBlueprint("settings", __name__, url_prefix="/v1/settings", description="Settings")

    @blp.call("", "GET", Access.PAYWALL, Right((VIEW,), False), takes=NoInput, gives=SettingsOutput)
    def settings(caller: Caller, _: Values) -> Response:
        """Tells the paywall's settings."""
        return json_answer(_shown(caller))

    @blp.call("", "PUT", Access.PAYWALL, ONLY_THE_KEY, takes=SettingsInput, gives=SettingsOutput)
    def put_settings(caller: Caller, values: Values) -> Response:
        """Sets the paywall's time zone and currency label."""
        asked = PaywallSettings(values.get("timezone", UTC_NAME), values.get("currency_label", ""))
        services().store.write(lambda c: settings_rows.put(c, caller.paywall.id, asked))
        return json_answer(_shown(caller))

    return blp


def _shown(caller: Caller) -> dict[str, str]:
    store, paywall_id = services().store, caller.paywall.id
    found, (_, day) = store.read(
        lambda c: (
            settings_rows.get(c, paywall_id),
            settings_rows.today(c, paywall_id, lock=False),
        )
    )
    return {
        "timezone": found.timezone,
        "currency_label": found.currency_label,
        "day": day.name,
        "day_ends_at": shown(day.ends),
    }
