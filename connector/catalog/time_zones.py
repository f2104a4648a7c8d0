"""The name of a time zone, as a marshmallow field. Source: the IANA time zone database."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from marshmallow import ValidationError

from connector.catalog.fields import Identifier
from connector.errors import quoted


class TimeZone(Identifier):
    """A name such as Europe/Berlin, in any case; out comes its usual spelling."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        name = _names().get(text.replace(" ", "_").casefold())
        if name is not None:
            return name
        raise ValidationError(f"“{quoted(text)}” is not the name of a time zone. {_advice(text)}")


@cache
def _names() -> dict[str, str]:
    return {name.casefold(): name for name in sorted(available_timezones())}


def _advice(text: str) -> str:
    """The names that may be meant: spelled alike, or a city's."""
    asked = text.replace(" ", "_").casefold()
    cities = {name.rsplit("/", 1)[-1]: name for name in _names()}
    close = difflib.get_close_matches(asked, [*_names(), *cities], n=1, cutoff=0.7)
    if not close:
        return "Write one such as Europe/Berlin or America/New_York."
    found = close[0]
    return f"Did you mean {_names().get(found) or _names()[cities[found]]}?"
