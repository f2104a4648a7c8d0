"""The parsers of the settings: text in, value out, or a sentence that says what to write instead.

Each raises marshmallow's ValidationError with the rest of a sentence that begins with the
variable's name.
A value that may hold a password or a secret is never repeated in it.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from urllib.parse import SplitResult, urlsplit

import limits
from marshmallow import ValidationError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

MIN_SECRET_LENGTH = 32


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address, means this machine and nothing else."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen_host(listen: str) -> str:
    """The host in `host:port`, without the brackets of an IPv6 address."""
    return listen.rpartition(":")[0].strip("[]")


def _url_parts(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        _ = url.port  # raises for a port that is not a number below 65536
    except ValueError:
        raise ValidationError("is not a URL; write one such as https://example.com") from None
    if not url.hostname or re.search(r"[\s\\]", text):
        raise ValidationError("is not a URL; write one such as https://example.com")
    if url.username is not None or url.password is not None:
        raise ValidationError("holds a user name or password; remove the part before the @")
    if url.query or url.fragment or "?" in text or "#" in text:
        raise ValidationError("has something after a ? or #; remove it")
    if url.scheme not in ("https", "http") or (
        url.scheme == "http" and not is_loopback(url.hostname)
    ):
        raise ValidationError(
            "must begin with https://; http:// is only for this machine, as http://127.0.0.1:8001"
        )
    return url


def upstream_url(text: str) -> str:
    return _url_parts(text).geturl().rstrip("/")


def public_url(text: str) -> str | None:
    if not text:
        return None
    url = _url_parts(text)
    if url.path not in ("", "/"):
        raise ValidationError(
            f"has a path; write only {url.scheme}://{url.netloc}, "
            "because the connector needs the host to itself"
        )
    return f"{url.scheme}://{url.netloc.lower()}"


def database_url(text: str) -> str:
    advice = "write sqlite:///file.sqlite3 or postgresql://user:password@host/database"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValidationError(f"is not a database address; {advice}") from None
    if url.drivername == "sqlite":
        if url.host:
            raise ValidationError("needs three slashes before a file name: sqlite:///file.sqlite3")
        if url.database in (None, "", ":memory:"):
            raise ValidationError("names no file, and nothing would be kept; " + advice)
    elif url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        url = url.set(drivername="postgresql+psycopg")
        if not url.database:
            raise ValidationError("does not name a database; add /database after the host")
    else:
        raise ValidationError(f"begins with {url.drivername}://, which is not supported; {advice}")
    return url.render_as_string(hide_password=False)


def redis_url(text: str) -> str | None:
    if text and not re.fullmatch(r"rediss?://[^\s/]+(/\d*)?(\?\S*)?", text):
        raise ValidationError("is not a Redis address; write redis://host:6379/0 or rediss://…")
    return text or None


def listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def secret_keys(text: str) -> tuple[str, ...]:
    keys = listed(text)
    for position, key in enumerate(keys, 1):
        if len(key) < MIN_SECRET_LENGTH:
            raise ValidationError(
                f"has a secret (number {position}) of {len(key)} characters; each needs at least "
                f"{MIN_SECRET_LENGTH}; make one with: openssl rand -hex 32"
            )
    if len(set(keys)) < len(keys):
        raise ValidationError("has the same secret twice; name each only once")
    return keys


def paywall_ids(text: str) -> frozenset[str]:
    return frozenset(listed(text))


def networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    networks = []
    for part in listed(text):
        try:
            networks.append(ipaddress.ip_network(part))
        except ValueError:
            raise ValidationError(
                f"has {part!r}, which is not a network; write networks such as 10.0.0.0/8, "
                "separated by commas"
            ) from None
    return tuple(networks)


def retry_schedule(text: str) -> tuple[int, ...]:
    parts = listed(text)
    if not 1 <= len(parts) <= 20 or not all(
        re.fullmatch(r"[0-9]{1,6}", part) and 1 <= int(part) <= 604_800 for part in parts
    ):
        raise ValidationError(
            f"is {text!r}; write 1 to 20 whole numbers of seconds, each from 1 to 604800, "
            "separated by commas, such as 5,300,1800"
        )
    return tuple(map(int, parts))


def max_amount(text: str) -> Decimal:
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", text) or not Decimal(text):
        raise ValidationError(f"is {text!r}; write a number above 0 with a dot, such as 250.50")
    return Decimal(text)


def rate_limit(text: str) -> str | None:
    if text.lower() == "off":
        return None
    try:
        limits.parse_many(text)
    except ValueError:
        raise ValidationError(f"is {text!r}; write a limit such as 600/minute, or off") from None
    return text


def listen(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not re.fullmatch(r"\[[0-9a-fA-F:.]+\]|[0-9a-zA-Z.-]+", host) or not (
        re.fullmatch(r"[0-9]{1,5}", port) and int(port) < 2**16
    ):
        raise ValidationError(f"is {text!r}; write host:port, such as 127.0.0.1:8000")
    return text


def whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValidationError(f"is {text!r}; write a whole number from {low} to {high}")
        return int(text)

    return parse


def choice(words: Mapping[str, object]) -> Callable[[str], object]:
    def parse(text: str) -> object:
        if text.lower() not in words:
            raise ValidationError(f"is {text!r}; write one of {', '.join(words)}")
        return words[text.lower()]

    return parse


boolean = choice({"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False})
log_level = choice({level: level for level in ("debug", "info", "warning", "error")})
log_format = choice({form: form for form in ("auto", "json", "text")})


def header_names(text: str) -> tuple[str, ...]:
    """Names of HTTP headers, as a request may have them."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9-]+", name):
            raise ValidationError(
                f"holds “{name}”, which is no name of a header; use letters, digits and dashes"
            )
    return names
