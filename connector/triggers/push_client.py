"""Checking the addresses that callers give, and posting to them.

Where a push may go is decided when somebody subscribes and again for each push, in
`ssrf_guard`.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import requests
import structlog
from requests.adapters import DEFAULT_CA_BUNDLE_PATH
from requests_hardened import Config, HTTPSession  # type: ignore[import-untyped]
from urllib3.exceptions import LocationParseError

from connector import __version__
from connector.triggers.ip_ranges import Network
from connector.triggers.ssrf_guard import Guarded, TargetRefused, Watch, refuse_any
from connector.turns import FairPool, QueueFull

DEADLINE_SECONDS = 15.0
CONNECT_SECONDS = 5.0
LOOK_UP_SECONDS = 5.0
_LOOK_UP_THREADS = 16
_SLOW = "The host in this address could not be looked up in time. Try again in a minute."

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class PushAnswer:
    """What came back: `status` is None if nothing did, then `problem` says why. `text` is the
    first 1 kB of the body, `retry_after` the header as it was sent."""

    status: int | None
    latency_ms: int
    text: str = ""
    retry_after: str = ""
    problem: str = ""


class PushClient:
    """Checks addresses and posts to them; `allowed` are the networks that the operator opened."""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        self._allowed = allowed
        self._look_ups = FairPool(_LOOK_UP_THREADS, "look-up")
        self._tls: ssl.SSLContext | None = None
        self._loading = threading.Lock()

    def check(self, url: str, whom: str = "") -> str:
        """`url` in its usual spelling; looking its host up takes `whom` 5 s at most. Raises
        TargetRefused with a sentence that says why."""
        try:
            asked = requests.Request("POST", url).prepare()
            parts = urlsplit(asked.url or "")
            host, port = parts.hostname or "", parts.port
        except (ValueError, requests.RequestException, LocationParseError):
            raise TargetRefused(
                "This is not a web address. Copy the whole address, beginning with https://."
            ) from None
        if parts.scheme not in ("http", "https") or not host:
            raise TargetRefused("The address must begin with https://.")
        if "@" in parts.netloc or "@" in urlsplit(url).netloc:
            raise TargetRefused(
                "The address holds a user name or password. Remove the part before the @; every "
                "push is signed instead."
            )
        if "%" in host or "\\" in url:
            raise TargetRefused("The host in this address is not written as one.")
        refuse_any(self._resolve(whom, host, port), self._allowed, secure=parts.scheme == "https")
        return urlunsplit(parts._replace(fragment=""))

    def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        seconds: float = DEADLINE_SECONDS,
    ) -> PushAnswer:
        """POST once, with all checks, within `seconds`. Raises nothing."""
        began = time.monotonic()
        watch = Watch(self._allowed, seconds)
        try:
            with watch, self._session(watch) as session:
                response = session.post(
                    url,
                    data=body,
                    headers={**headers, "Accept-Encoding": "identity", "Connection": "close"},
                    timeout=(min(CONNECT_SECONDS, seconds), seconds),
                    stream=True,
                )
                latency = _since(began)
                if watch.expired_sentence():  # a head that was cut off looks like a whole one
                    raise TimeoutError
                text = watch.first_bytes(response).decode(errors="replace")
                return PushAnswer(
                    response.status_code,
                    latency,
                    text.replace("\0", "\ufffd"),
                    response.headers.get("Retry-After", ""),
                )
        except Exception as error:
            problem = watch.expired_sentence() or _sentence(error)
            return PushAnswer(None, _since(began), problem=problem)

    def _session(self, watch: Watch) -> HTTPSession:
        """A session for one push: nothing, such as a cookie or a connection, outlives it."""
        session = HTTPSession(
            Config(
                ip_filter_enable=False,  # by our adapters, which know the allow-list
                ip_filter_allow_loopback_ips=False,
                never_redirect=True,
                default_timeout=(CONNECT_SECONDS, DEADLINE_SECONDS),
                user_agent_override=f"Paywalls-Connector/{__version__}",
            )
        )
        session.trust_env = False
        tls = self._trusted()
        session.mount("https://", Guarded(watch, tls, secure=True))
        session.mount("http://", Guarded(watch, tls, secure=False))
        return session

    def _resolve(self, whom: str, host: str, port: int | None) -> list[str]:
        def look_up() -> list[str]:
            resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            return [str(entry[4][0]) for entry in resolved]

        try:
            asked = self._look_ups.submit(whom, look_up)
        except QueueFull:
            raise TargetRefused(_SLOW) from None
        try:
            return asked.result(LOOK_UP_SECONDS)
        except TimeoutError:
            asked.cancel()
            raise TargetRefused(_SLOW) from None
        except (OSError, UnicodeError):
            raise TargetRefused(
                "The host in this address was not found. Check its spelling."
            ) from None

    def _trusted(self) -> ssl.SSLContext:
        """One for all pushes: reading the certificates of the authorities takes longer than one."""
        with self._loading:
            if self._tls is None:
                self._tls = ssl.create_default_context()
                self._tls.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
                self._tls.hostname_checks_common_name = False
            return self._tls


def _sentence(error: Exception) -> str:
    if isinstance(error, TargetRefused):
        return error.message
    if isinstance(error.__cause__, socket.gaierror):
        return "The host in this address was not found."
    if isinstance(error, requests.exceptions.SSLError):
        return "The certificate of this address was not accepted."
    if isinstance(error, requests.Timeout):
        return f"No connection was made within {CONNECT_SECONDS:g} seconds."
    if isinstance(error, requests.ConnectionError | OSError):
        return "The connection failed, or was closed before an answer came."
    log.warning("push_failed_oddly", error=type(error).__name__)
    return "This address could not be used."


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
