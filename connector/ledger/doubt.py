"""What is said while it is not known whether something went through (docs/exactly-once.md).

Whatever the last try met, the one before it may have counted. So no sentence says that nothing was
done, and every one says what to do: send the same again.
"""

from __future__ import annotations

from connector.errors import (
    ConnectorError,
    KeyRefused,
    StillInDoubt,
    Unavailable,
    UpstreamBusy,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnreachable,
)

SAME_AGAIN = "Send the same again, with the same reference: it will not count twice."
_NOT_KNOWN = "It is not known yet whether this went through."


def told_in_doubt(error: ConnectorError) -> ConnectorError:
    """The same failure, told to somebody who waits for a row in doubt: retryable, whatever it was.

    Changes `error` and gives it back.
    """
    if isinstance(error, StillInDoubt):
        return error
    error.retryable = True
    if isinstance(error, KeyRefused):
        error.message = (
            f"Paywalls does not accept this key. {_NOT_KNOWN} Mend the key, then send the same "
            "again, with the same reference: it will not count twice."
        )
    elif isinstance(error, UpstreamBusy):
        error.message = (
            f"Paywalls asked to slow down. {_NOT_KNOWN} Wait {error.retry_after or 5} seconds, "
            "then send the same again, with the same reference: it will not count twice."
        )
    else:
        error.message = f"{_cause(error)} {_NOT_KNOWN} {SAME_AGAIN}"
    return error


def told_before_the_ledger(error: ConnectorError) -> ConnectorError:
    """A failure that came before the reference could be looked up: nothing is claimed about it.

    Changes `error` and gives it back.
    """
    if isinstance(error, KeyRefused):
        error.message = f"{error.message} Then send the same again, with the same reference."
    elif isinstance(error, UpstreamBusy | UpstreamUnreachable):
        wait = f" Wait {error.retry_after} seconds." if error.retry_after else ""
        error.message = f"{_cause(error)}{wait} {SAME_AGAIN}"
    return error


def _cause(error: ConnectorError) -> str:
    match error:
        case UpstreamBusy():
            return "Paywalls asked to slow down."
        case UpstreamUnreachable():
            return "Paywalls cannot be reached right now."
        case UpstreamRejected():
            return "Paywalls did not accept the last try."
        case UpstreamTimeout():
            return "Paywalls did not answer in time."
        case Unavailable():
            return "The connector is too busy right now."
    return "Paywalls did not give an answer that can be read."
