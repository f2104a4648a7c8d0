"""Take secrets and people's words out of whatever is about to be logged."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from connector.brands import KEY_PREFIXES

REDACTED = "[redacted]"
LONGEST_TEXT = 8_000
_DEEPEST = 12

_FIELDS = frozenset(
    {
        "api_key",
        "x_api_key",
        "authorization",
        "proxy_authorization",
        "cookie",
        "set_cookie",
        "content",
        "messages",
        "prompt",
        "system",
        "secret",
        "secret_keys",
        "password",
    }
)
_NAMES = (
    r"[a-z0-9_-]{0,30}(?:api[_-]?key|secret|secret_keys|password)"
    r"|(?:proxy-)?authorization|(?:set-)?cookie|prompt|messages|system|content"
)
_VALUE = (
    r""" \\"(?:.*?)\\" | "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | (?!\[redacted\])[^\s&,;}\])"']+ """
)
# Each is tried only where the quick look below finds a reason to.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # Keys, also where a %-escape stands before them.
    (re.compile(rf"(?:{'|'.join(KEY_PREFIXES)})[^\s&,;\"'<>\\)}}\]]+"), REDACTED),
    (re.compile(r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2}))sk-[A-Za-z0-9_.~+/=-]{6,}"), REDACTED),
    (re.compile(r"pwc_[A-Za-z0-9]+"), REDACTED),
    (re.compile(r"whsec_[A-Za-z0-9+/=_-]+"), REDACTED),
    (re.compile(r"(?i)\b(bearer|basic)(\s+|%20|\+)[A-Za-z0-9_.~+/=:%-]+"), rf"\1 {REDACTED}"),
    (re.compile(r"://[^\s/?#\"'<>]+@"), f"://{REDACTED}@"),
    # SQLAlchemy repeats a failed statement's values.
    (re.compile(r"\[parameters: .*"), f"[parameters: {REDACTED}]"),
    (
        re.compile(
            rf"""(?ix) (\\?["']? (?<![a-z0-9]) (?:{_NAMES}) \\?["']? (?:\s*[:=]\s*|%3D))"""
            rf"""(?: {_VALUE} )"""
        ),
        rf"\1{REDACTED}",
    ),
)
# Plain searches take an eighth of the time of one pattern with all of them.
_SUSPECTS = (
    *("sk-", "pwc_", "whsec_", "bearer", "basic", "://", "[param", "key", "secret", "password"),
    *("authoriz", "cookie", "prompt", "messages", "system", "content"),
)
_MIN_REGISTERED = 12
_SHORTEST_SECRET = 7  # with the word before it that tells what it is

_registered: tuple[str, ...] = ()


def register_secret(value: str) -> None:
    """Never log `value`, nor its form in a URL. Under 12 characters it is too common to hide."""
    global _registered  # a tuple that is replaced can be read without a lock
    if len(value) >= _MIN_REGISTERED:
        forms = {*_registered, value, quote(value, safe="")}
        _registered = tuple(sorted(forms, key=len, reverse=True))


def redact_text(text: str) -> str:
    """`text` without keys, tokens, passwords and prompts, cut to 8,000 characters."""
    if len(text) < _SHORTEST_SECRET:
        return text
    for secret in _registered:
        if secret in text:
            text = text.replace(secret, REDACTED)
    lower = text.lower()
    if any(word in lower for word in _SUSPECTS):
        for pattern, replacement in _RULES:
            text = pattern.sub(replacement, text)
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}… [cut]"


def redact(value: Any, depth: int = 0) -> Any:
    """A copy of `value` made of plain JSON types in which no text holds a secret.

    Whatever is neither a number nor a container becomes its text; fields that always hold secrets
    or a person's words, such as `api_key` and `prompt`, are replaced whole.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact_text(value)
    if depth >= _DEEPEST:
        return "[too deep]"
    if isinstance(value, Mapping):
        return {
            shown: REDACTED if hidden else redact(inner, depth + 1)
            for (shown, hidden), inner in ((_name(str(name)), value[name]) for name in value)
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(inner, depth + 1) for inner in value]
    try:
        return redact_text(repr(value) if isinstance(value, bytes) else str(value))
    except Exception:
        return f"[unprintable {type(value).__name__}]"


@lru_cache(maxsize=1024)
def _name(name: str) -> tuple[str, bool]:
    """A field's name as it may be shown, and whether its value must be hidden."""
    plain = name.lower().replace("-", "_")
    hidden = plain in _FIELDS or plain.endswith(("_secret", "_password", "_api_key"))
    return redact_text(name), hidden
