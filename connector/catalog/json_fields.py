"""Fields whose values have parts, and may come as JSON text: notes, and a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from connector import jsontext
from connector.catalog.fields import Words, shown

METADATA_MAX = 50
MESSAGES_MAX = 1_000
ROLES = ("system", "developer", "user", "assistant", "tool", "function")


class Metadata(Words):
    """Notes that are kept with a charge: an object, or a JSON object written as text."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> dict[str, Any]:
        metadata = _json(value) if isinstance(value, str) else value
        if not isinstance(metadata, dict):
            raise ValidationError(
                f"“{self.label}” must be names with values, such as {shown(self.example)}, or "
                "fields called metadata_<name>."
            )
        if len(metadata) > METADATA_MAX:
            raise ValidationError(f"“{self.label}” may have at most {METADATA_MAX} entries.")
        return metadata


class Messages(Words):
    """A conversation in OpenAI's form: a list of `{role, content}`, or that list as JSON text.

    Source: https://platform.openai.com/docs/api-reference/chat/create (messages).
    """

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[dict[str, Any]]:
        messages = _json(value) if isinstance(value, str) else value
        if not (isinstance(messages, list) and messages) or not all(map(_is_message, messages)):
            raise ValidationError(
                f"“{self.label}” must be a list such as {shown(self.example)}: every message needs "
                f"a role ({', '.join(ROLES[:4])} or tool) and a content."
            )
        if len(messages) > MESSAGES_MAX:
            raise ValidationError(f"“{self.label}” may hold at most {MESSAGES_MAX:,} messages.")
        return messages


def _is_message(message: object) -> bool:
    if not isinstance(message, dict) or message.get("role") not in ROLES:
        return False
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    return isinstance(content, str | list | None) and all(isinstance(p, dict) for p in parts)


def _json(text: str) -> object:
    try:
        return jsontext.loads(text)
    except ValueError:
        return None
