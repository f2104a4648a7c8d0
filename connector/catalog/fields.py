"""The kinds of values that actions take and give, as marshmallow fields.

Every field carries the words that people see in Zapier, n8n and on the docs page: `label` (Title
Case), `help` (one or two sentences) and `example`. A value that is refused gets one sentence that
says what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from marshmallow import ValidationError, fields

from connector import jsontext
from connector.catalog.amount_advice import advice
from connector.catalog.lost_values import lost_user
from connector.errors import quoted
from connector.jsontext import scalar
from connector.money import AMOUNT_PATTERN, plain, rounded

USER_MAX = 128
PAGE_MAX = 100
"""How many rows a list gives at most."""
TEXT_MAX = 2_000
PROMPT_MAX = 500_000
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters other than those that end or indent lines, and halves of surrogate pairs."""
_AMOUNT = re.compile(AMOUNT_PATTERN, re.ASCII)


class Words(fields.Field[Any]):
    """What every field of ours has: a label, a help sentence and an example for people.

    `missing` is the sentence for a required field that is not filled in; `choice` is the last
    sentence of the help where another field may be filled in instead (`own_help` is without it,
    for tools that show only one of the two);
    `template_ok` says that `{{…}}` may stand in the value, because it is free text; `in_forms` that
    tools show the field to builders.
    """

    filler: object = ""

    def __init__(
        self,
        label: str,
        help: str,
        *,
        example: object,
        missing: str = "",
        choice: str = "",
        template_ok: bool = False,
        in_forms: bool = True,
        **kwargs: Any,
    ) -> None:
        self.own_help = help
        help = f"{help} {choice}".strip()
        super().__init__(
            metadata={"title": label, "description": help, "example": example},
            error_messages={
                "required": missing or f"Fill in “{label}”. {help}",
                "null": missing or f"Fill in “{label}”. {help}",
            },
            **kwargs,
        )
        self.label, self.help, self.example = label, help, example
        self.template_ok, self.in_forms = template_ok, in_forms


class Text(Words, fields.String):
    """Text; numbers are taken as the text they were written with, because tools type them so."""

    def __init__(
        self,
        label: str,
        help: str,
        *,
        max_length: int = TEXT_MAX,
        lines: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, help, **kwargs)
        self.max_length, self.lines = max_length, lines

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise ValidationError(
                f"“{self.label}” must be plain text, not a list, a group or a yes/no value."
            )
        text = str(value)
        if len(text) > self.max_length:
            raise ValidationError(
                f"“{self.label}” is too long: use at most {self.max_length:,} characters."
            )
        if not self.lines:
            text = text.strip(" ")
        if self._holds_unseen(text):
            raise ValidationError(
                f"“{self.label}” holds a character that cannot be seen (such as a line break or a "
                "control character). Remove it, or type the value again."
            )
        return text

    def _holds_unseen(self, text: str) -> bool:
        """Looked for in one go: a prompt may have half a million letters."""
        if self.lines:
            return _CONTROL.search(text) is not None
        return not text.isprintable() or "\ufffd" in text


class Identifier(Text):
    """One line of visible text that names something; trimmed, otherwise taken as it is."""

    def __init__(self, label: str, help: str, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(label, help, max_length=max_length, lines=False, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not text:
            raise ValidationError(self.error_messages["required"])
        return text


class UserId(Identifier):
    """The caller's own id of an end user. One that was lost on its way is refused: all users of
    the flow would share one balance."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if lost_user(text):
            raise ValidationError(
                f"“{self.label}” is “{quoted(text)}”: the step before gave no id. Choose the field "
                "with the user's id again in your tool."
            )
        return text


def user_id() -> UserId:
    """The caller's own id of an end user: at most 128 visible characters."""
    return UserId(
        "User ID",
        "Your own id for the person, such as the user id in your app. Use the same id every time; "
        "an id that is not an e-mail address is best.",
        missing="Fill in “User ID”: the id that your app uses for this person.",
        example="user_42",
        max_length=USER_MAX,
        required=True,
    )


class Amount(Words):
    """A sum of money: a decimal string, or a JSON number; out comes a `Decimal`.

    Numbers are rounded to 12 significant digits, so that 3*0.1 is 0.3. Digits, one dot, at most
    6 decimals; above 0 unless `zero_ok`. Published as a string with one pattern.
    """

    def __init__(self, label: str, help: str, *, zero_ok: bool = False, **kwargs: Any) -> None:
        super().__init__(label, help, **kwargs)
        self.zero_ok = zero_ok

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return plain(value) if isinstance(value, Decimal) else str(value or "")

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        number = self._read(value)
        if number == 0 and not self.zero_ok:
            raise ValidationError(
                f"“{self.label}” must be above 0. Write for example {self.example}."
            )
        return number

    def _read(self, value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise ValidationError(
                f"“{self.label}” must be one number, such as {self.example}, not a list or a "
                "yes/no value."
            )
        text = value if isinstance(value, str) else rounded(value)
        if _AMOUNT.match(text) and not text.endswith("\n"):
            return Decimal(text)
        raise ValidationError(f"“{self.label}” {advice(text, self.example)}")


class Number(Words):
    """A plain number between two bounds (such as a model's temperature); out comes a float."""

    def __init__(self, label: str, help: str, *, low: float, high: float, **kwargs: Any) -> None:
        super().__init__(label, help, **kwargs)
        self.low, self.high = low, high

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> float:
        sentence = f"“{self.label}” must be a number from {self.low:g} to {self.high:g}."
        if isinstance(value, str) and not re.match(
            r"^-?[0-9]{1,9}(\.[0-9]{1,25})?$", value.strip()
        ):
            raise ValidationError(sentence)
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise ValidationError(sentence)
        number = float(value)
        if not self.low <= number <= self.high:
            raise ValidationError(sentence)
        return number


class Count(Words):
    """A whole number; in answers, how many of something (0 when nothing is known)."""

    filler = 0

    def __init__(
        self, label: str, help: str, *, low: int = 0, high: int = 1_000_000_000, **kwargs: Any
    ) -> None:
        super().__init__(label, help, **kwargs)
        self.low, self.high = low, high

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        sentence = f"“{self.label}” must be a whole number from {self.low:,} to {self.high:,}."
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise ValidationError(sentence)
        if not re.match(r"^[0-9]{1,10}(\.0{1,6})?$", str(value).strip(), re.ASCII):
            raise ValidationError(sentence)
        number = int(Decimal(str(value).strip()))
        if not self.low <= number <= self.high:
            raise ValidationError(sentence)
        return number


class Flag(Words):
    """Yes or no: a JSON boolean in answers; as input also the words for it that tools write."""

    filler = False
    _WORDS: ClassVar = {
        **dict.fromkeys(("true", "yes", "on", "1"), True),
        **dict.fromkeys(("false", "no", "off", "0"), False),
    }

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        if isinstance(value, bool):
            return value
        known = self._WORDS.get(scalar(value).strip().casefold())
        if known is None:
            raise ValidationError(f"“{self.label}” must be true or false.")
        return known


def shown(example: object) -> str:
    """An example as a person would type it: text as it is, all else as JSON."""
    return example if isinstance(example, str) else jsontext.dumps(example).decode()
