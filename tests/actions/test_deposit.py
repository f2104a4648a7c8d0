"""Deposit Credits: once per reference, where the paywall takes deposits at all."""

from tests.api.builder import Builder, check_sentence

SHAPE = [
    "success",
    "outcome",
    "message",
    "action_url",
    "user",
    "amount",
    "reference",
    "duplicate",
    "balance",
    "balance_formatted",
]
ASKED = {"user": "ann", "amount": "5.00", "reference": "signup-1"}


def test_a_deposit_is_added_once_per_reference(builder: Builder) -> None:
    builder.user("ann", balance="1")
    first, again = (builder.post("deposit", **ASKED).json for _ in range(2))
    assert first is not None
    assert again is not None
    assert list(first) == list(again) == SHAPE
    assert first["message"].startswith("5 was added")
    assert first == {
        "success": True,
        "outcome": "deposited",
        "message": first["message"],
        "action_url": "",
        "user": "ann",
        "amount": "5",
        "reference": "signup-1",
        "duplicate": False,
        "balance": "6",
        "balance_formatted": "$6.00",
    }
    assert again == first | {"duplicate": True}
    assert len(builder.seen("ledger")) == 1


def test_a_shared_paywall_does_not_take_deposits(shared_builder: Builder) -> None:
    answer = shared_builder.post("deposit", **ASKED).json
    assert answer is not None
    assert list(answer) == SHAPE
    assert (answer["success"], answer["outcome"]) == (False, "not_supported")
    check_sentence(answer["message"])
    assert (answer["duplicate"], answer["balance"], answer["action_url"]) == (False, "", "")
    assert shared_builder.seen("ledger") == []


def test_charges_and_deposits_have_references_of_their_own(builder: Builder) -> None:
    assert builder.post("deposit", **ASKED).json["outcome"] == "deposited"  # type: ignore[index]
    assert builder.post("charge", **ASKED).json["outcome"] == "charged"  # type: ignore[index]
    assert [row["type"] for row in builder.seen("ledger")] == ["deposit", "charge"]


def test_metadata_reaches_upstream(builder: Builder) -> None:
    builder.post("deposit", **ASKED, metadata={"source": "signup"}, metadata_step=2)
    [row] = builder.seen("ledger")
    assert row["metadata"] == {"reference": "signup-1", "source": "signup", "step": 2}
