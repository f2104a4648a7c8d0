"""Everything that can go wrong, as one tree; each error knows how it is told to the caller.

ConnectorError
├── InputError                       the caller can mend it
│   ├── MalformedRequest      400    the body cannot be read
│   ├── KeyRefused            401    no key, or one that upstream does not know
│   │   └── SignatureRefused  401    a delivery that upstream did not sign
│   ├── PaywallNotAllowed     403    this connector is closed to that paywall
│   ├── NotAllowedByToken     403    the connector token may not do that
│   ├── TokenPaused           403    upstream refused the key that the token stands for
│   ├── ForeignOrigin         403    a page of another address calls from a browser
│   ├── NotFound              404
│   ├── WrongMethod           405
│   ├── StillInFlight         409    the same reference is being worked on
│   ├── StillInDoubt          409    not known yet whether it went through
│   │   └── StoredRefusal     409    a "no" to a user who could pay: from before (ledger only)
│   ├── AlreadyDecided        409    the owner's word on a transaction that is decided
│   ├── EndpointGone          410    an inbound address that we never made
│   ├── CursorGone            410    a cursor older than what is kept
│   ├── BodyTooLarge          413
│   ├── WrongContentType      415
│   ├── InvalidField          422
│   │   └── ReferenceReused   422    the same reference with other values
│   └── TooManyRequests       429
│       └── TooManyAtOnce     429    no thread was free for it in time
├── UpstreamError                    the billing service did not do what was asked
│   ├── UpstreamRejected      502    it refused the request as such (4xx): nothing happened
│   ├── UpstreamBusy          429    it asked us to slow down: nothing happened
│   ├── UpstreamUnreachable   503    nothing was sent
│   ├── UpstreamBroken        502    5xx, garbage, a dead connection: may have happened
│   └── UpstreamTimeout       504    no answer in time: may have happened
├── Unavailable               503    our own database is away
│   └── TriggersNotReady      503    no event would ever come
└── InternalError             500    a defect of ours

`nothing_happened` tells the ledger whether the reference is free again (docs/exactly-once.md);
`retryable` tells the caller whether the same call, sent again, is safe and may succeed.
"""

from __future__ import annotations

from typing import ClassVar


class ConnectorError(Exception):
    """A failure with one sentence for the person who reads it.

    `message` is shown to people as it is; `field` names the input to mend, `reference` the charge
    or deposit that was asked for; `retry_after` is in whole seconds.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side"
    retryable: bool = False
    nothing_happened: ClassVar[bool] = True

    def __init__(
        self,
        message: str,
        *,
        field: str = "",
        reference: str = "",
        retry_after: int | None = None,
        retryable: bool | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.reference = reference
        self.retry_after = retry_after
        self.headers = headers or {}
        if retryable is not None:
            self.retryable = retryable

    def problem(
        self, request_id: str, *, status: int | None = None, reference: str = ""
    ) -> dict[str, object]:
        """The members of this error's body on the wire; `status` where it is another than usual.

        Source: https://www.rfc-editor.org/rfc/rfc9457
        """
        return {
            "type": f"urn:paywalls-connector:{self.code}",
            "title": self.title,
            "status": self.status if status is None else status,
            "detail": self.message,
            "message": self.message,
            "code": self.code,
            "field": self.field,
            "reference": self.reference or reference,
            "request_id": request_id,
            "retryable": self.retryable,
        }


class InputError(ConnectorError):
    """The caller can mend the request."""

    status = 400


class MalformedRequest(InputError):
    code = "malformed_request"
    title = "The request cannot be read"


class KeyRefused(InputError):
    status = 401
    code = "key_refused"
    title = "The Paywalls key was not accepted"


class SignatureRefused(KeyRefused):
    code = "signature_refused"
    title = "The signature was not accepted"


class PaywallNotAllowed(InputError):
    status = 403
    code = "paywall_not_allowed"
    title = "This connector does not serve that paywall"


class NotAllowedByToken(InputError):
    status = 403
    code = "not_allowed_by_token"
    title = "The connector token does not allow this"


class TokenPaused(InputError):
    status = 403
    code = "token_paused"
    title = "The connector token is paused"


class ForeignOrigin(InputError):
    status = 403
    code = "foreign_origin"
    title = "Pages of other addresses may not call this"


class NotFound(InputError):
    status = 404
    code = "not_found"
    title = "There is nothing at this address"


class WrongMethod(InputError):
    status = 405
    code = "wrong_method"
    title = "This address does not answer that method"


class StillInFlight(InputError):
    status = 409
    code = "still_in_flight"
    title = "The same reference is still being worked on"
    retryable = True


class StillInDoubt(InputError):
    status = 409
    code = "still_in_doubt"
    title = "It is not known yet whether this went through"
    retryable = True


class AlreadyDecided(InputError):
    status = 409
    code = "already_decided"
    title = "This was decided before"


class StoredRefusal(StillInDoubt):
    """Upstream said "no" under a key that is in doubt, although the user could pay now: the answer
    is one that it had stored. The ledger tells it as StillInDoubt, or tries the next key."""


class EndpointGone(InputError):
    status = 410
    code = "endpoint_gone"
    title = "This address does not exist"


class CursorGone(InputError):
    status = 410
    code = "cursor_gone"
    title = "This cursor is too old"


class BodyTooLarge(InputError):
    status = 413
    code = "body_too_large"
    title = "The request is too large"


class WrongContentType(InputError):
    status = 415
    code = "wrong_content_type"
    title = "The body is of a kind that is not read here"


class InvalidField(InputError):
    status = 422
    code = "invalid_field"
    title = "One of the values needs a change"


class ReferenceReused(InvalidField):
    code = "reference_reused"
    title = "This reference was used for something else"


class TooManyRequests(InputError):
    status = 429
    code = "too_many_requests"
    title = "Too many requests"
    retryable = True


class TooManyAtOnce(TooManyRequests):
    code = "too_many_at_once"
    title = "Too many requests at once"


class UpstreamError(ConnectorError):
    """The billing service did not do what was asked."""

    status = 502


class UpstreamRejected(UpstreamError):
    code = "upstream_rejected"
    title = "Paywalls did not accept the request"


class UpstreamBusy(UpstreamError):
    status = 429
    code = "upstream_busy"
    title = "Paywalls asked us to slow down"
    retryable = True


class UpstreamUnreachable(UpstreamError):
    status = 503
    code = "upstream_unreachable"
    title = "Paywalls cannot be reached"
    retryable = True


class UpstreamBroken(UpstreamError):
    code = "upstream_failed"
    title = "Paywalls failed to answer"
    retryable = True
    nothing_happened = False


class UpstreamTimeout(UpstreamError):
    status = 504
    code = "upstream_timeout"
    title = "Paywalls did not answer in time"
    retryable = True
    nothing_happened = False


class Unavailable(ConnectorError):
    status = 503
    code = "unavailable"
    title = "The connector is not available right now"
    retryable = True


class TriggersNotReady(Unavailable):
    code = "triggers_not_ready"
    title = "Triggers cannot fire yet"


class InternalError(ConnectorError):
    pass


def quoted(value: object, limit: int = 40) -> str:
    """A caller's value, cut and made printable, to be quoted in a sentence."""
    text = "".join(c if c.isprintable() else "�" for c in str(value)[: limit + 1])
    return text if len(text) <= limit else text[:limit] + "…"


def kinds() -> list[type[ConnectorError]]:
    """Every kind of error, those above before those below."""
    tree: list[type[ConnectorError]] = [ConnectorError]
    for kind in tree:
        tree.extend(kind.__subclasses__())
    return tree
