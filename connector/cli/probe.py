"""What an examination finds; asking a server as a stranger would, and why it cannot be reached."""

import http.client
import os
import socket
import ssl
from typing import NamedTuple
from urllib.parse import urlsplit

import certifi

from connector.telemetry.logs import redact_text


class Finding(NamedTuple):
    """One thing that was looked at. `fix` says what to do, and is empty where all is well; where
    it works (`ok`) and there is a `fix`, somebody should look at it all the same."""

    name: str
    ok: bool
    sentence: str
    fix: str = ""


class ProbeAnswer(NamedTuple):
    """What came back; `location` and `date` are headers, `""` where they are absent."""

    status: int
    location: str
    date: str
    body: bytes


class NoAnswer(Exception):
    """Why a server could not be asked, and what to do."""

    def __init__(self, sentence: str, fix: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.fix = fix


def ask(url: str, patience: float) -> ProbeAnswer:
    """GET `url` without following redirects or proxies, as the connector itself does."""
    parts = urlsplit(url)
    host, connection = parts.hostname or "", _connection(url, patience)
    try:
        connection.request("GET", parts.path, headers={"User-Agent": "paywalls-connector-doctor"})
        response = connection.getresponse()
        return ProbeAnswer(
            response.status,
            response.getheader("Location", ""),
            response.getheader("Date", ""),
            response.read(64 * 1024),
        )
    except socket.gaierror:
        raise NoAnswer(
            f"The name {host} cannot be found.", "Check its spelling and its DNS record."
        ) from None
    except ssl.SSLCertVerificationError as error:
        raise NoAnswer(
            f"The certificate of {host} is not trusted: {error.verify_message.rstrip('.')}.",
            "Install one for this name from a public authority; Caddy gets it by itself.",
        ) from None
    except ssl.SSLError as error:
        raise NoAnswer(
            f"{host} does not speak https as it should: {first_line(error)}.",
            "Check the port and the proxy's TLS settings.",
        ) from None
    except TimeoutError:
        raise NoAnswer(
            f"{host} did not answer within {patience:g} s.",
            "Check firewalls and that the server runs.",
        ) from None
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(
            f"{parts.netloc} cannot be reached: {first_line(error)}.",
            "Check firewalls and that the server runs.",
        ) from None
    finally:
        connection.close()


def _connection(url: str, patience: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=patience)
    trusted = ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE", certifi.where()))
    return http.client.HTTPSConnection(host, parts.port, timeout=patience, context=trusted)


def first_line(error: BaseException) -> str:
    """The first line of the innermost reason, without secrets."""
    reason = getattr(error, "orig", None) or error
    lines = str(reason).strip().splitlines()
    return redact_text(lines[0] if lines else type(reason).__name__).rstrip(".")
