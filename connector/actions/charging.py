"""Taking an amount from a balance: what Charge User and Use Feature have in common."""

from __future__ import annotations

from connector.actions.call import Call
from connector.actions.refusals import doubt_a_refusal, explain
from connector.catalog.actions import Values


def take(call: Call, values: Values, notes: Values) -> Values:
    """A refusal is an answer with `success` false, upstream's words and the link to open. `notes`
    are kept upstream with the charge, beside the reference, the description and the metadata.

    Raises StoredRefusal or StillInDoubt for one that may be older than what the user paid since.
    """
    kept = {"reference": values["reference"], **notes}
    if "description" in values:
        kept["description"] = values["description"]
    kept.update(values.get("metadata", {}))
    answer = call.upstream.charge(values["user"], values["amount"], kept, call.idempotency_key)
    if answer.success:
        return {
            "success": True,
            "outcome": "charged",
            "message": answer.message or "The charge went through.",
        }
    if call.in_doubt:
        doubt_a_refusal(call.upstream, values["user"], values["amount"])
    outcome, link = explain(call.upstream, values["user"], answer.message, values["amount"])
    return {
        "success": False,
        "outcome": outcome,
        "message": answer.message or "The charge did not go through.",
        "action_url": link,
    }
