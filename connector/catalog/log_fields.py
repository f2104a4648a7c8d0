"""Kinds of values that only lists and hooks take: yes or no, and a moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields

from connector.catalog.fields import Text, Words

_YES_OR_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def one_of(label: str, words: Sequence[str]) -> Callable[[str], None]:
    """A validator for a field that takes one of these words."""

    def check(value: str) -> None:
        if value not in words:
            raise ValidationError(f"“{label}” must be one of {', '.join(words)}.")

    return check


class YesNo(Words, fields.Boolean):
    """Yes or no, as JSON or as a word; out comes a bool."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        flag = _YES_OR_NO.get(str(value).strip().lower())
        if flag is None:
            raise ValidationError(f"“{self.label}” must be true or false.")
        return flag


class Moment(Text):
    """A point in time in ISO 8601; without an offset it is taken as UTC. Out comes a datetime."""

    def _deserialize(  # type: ignore[override]
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        try:
            # A plus sign in an address arrives as a space.
            moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        except ValueError:
            raise ValidationError(
                f"“{self.label}” must be a time such as {self.example}."
            ) from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
