"""How one try of an action that counts ended, and how that is written in a row.

A verdict is a result or an error. It is written as JSON, so that those who waited for the try are
told the same as the one who made it.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector import jsontext
from connector.catalog.actions import Values
from connector.errors import ConnectorError, UpstreamError, kinds


@dataclass(frozen=True)
class Verdict:
    """`result` with its outcome, or `error`; exactly one of them."""

    result: Values | None = None
    error: ConnectorError | None = None

    @property
    def final(self) -> bool:
        """Whether it happened: charged or deposited."""
        return self.result is not None and self.result.get("success") is True

    @property
    def nothing_happened(self) -> bool:
        """Whether it certainly did not happen."""
        return not self.final if self.error is None else self.error.nothing_happened

    @property
    def unanswered(self) -> bool:
        """Whether it was sent, and no answer came that says what became of it."""
        return self.error is not None and not self.error.nothing_happened

    @property
    def word(self) -> str:
        """How it ended, in one word: the outcome, or the error's code."""
        return (
            str((self.result or {}).get("outcome", "")) if self.error is None else self.error.code
        )

    def to_json(self) -> str:
        """As JSON text for a row."""
        error = self.error
        if error is None:
            return jsontext.dumps({"result": self.result}).decode()
        return jsontext.dumps(
            {
                "error": error.code,
                "message": error.message,
                "field": error.field,
                "retry_after": error.retry_after,
                "retryable": error.retryable,
            }
        ).decode()

    @classmethod
    def from_json(cls, text: str) -> Verdict:
        """The verdict that `to_json` wrote as `text`."""
        stored = jsontext.loads(text)
        if "result" in stored:
            return cls(result=stored["result"])
        by_code = {kind.code: kind for kind in kinds()}
        kind = by_code.get(stored["error"], UpstreamError)
        return cls(
            error=kind(
                stored["message"],
                field=stored["field"],
                retry_after=stored["retry_after"],
                retryable=stored["retryable"],
            )
        )
