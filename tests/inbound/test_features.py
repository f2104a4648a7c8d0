"""Features in a crowd, on both databases."""

from __future__ import annotations

from collections import Counter as Tally
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import select

from connector.store.counter_rows import FREE, SPENT
from connector.store.token_tables import counters, ledger_holds
from tests.support.connected_app import ConnectedApp, Owner

_COUNTED = select(counters.c.kind, counters.c.user_id, counters.c.units)
RULE = {"price": "0.25", "free_per_day": 3, "cap_per_user_day": "2.50"}


def ready(connected_app: ConnectedApp, **rule: Any) -> Owner:
    """An owner with a feature, and a user who can pay."""
    owner = connected_app.owner().ready()
    owner.control("POST", "users/ann", {"balance": "900"})
    client = connected_app.connector.app.test_client()
    client.put("/v1/features/pdf", json=rule, headers=owner.bearer)
    return owner


def use(owner: Owner, reference: str, **values: Any) -> Any:
    values = {"user": "ann", "feature": "pdf", "reference": reference} | values
    return owner.post("use", **values).get_json()


def test_200_first_uses_at_once(connected_app: ConnectedApp) -> None:
    owner = ready(connected_app, **RULE)
    with ThreadPoolExecutor(16) as pool:
        told = Tally(pool.map(lambda n: use(owner, f"o-{n}")["outcome"], range(200)))
    assert told == {"free": 3, "charged": 10, "cap_reached": 187}
    assert owner.get("balance", user="ann").get_json()["balance"] == "897.5"
    assert sorted(connected_app.rows(_COUNTED)) == [
        (FREE, "ann", 3),
        (SPENT, "", 2_500_000),
        (SPENT, "ann", 2_500_000),
    ]
    assert len(connected_app.rows(select(ledger_holds.c.units))) == 3 + 2 * 10


def test_the_same_reference_50_times_at_once(connected_app: ConnectedApp) -> None:
    owner = ready(connected_app, price="1", free_per_day=1)
    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(lambda _: use(owner, "o-1", quantity=2), range(50)))
    assert Tally((one["outcome"], one["duplicate"]) for one in told) == {
        ("charged", False): 1,
        ("charged", True): 49,
    }
    assert owner.get("usage", user="ann", feature="pdf").get_json()["spent_today"] == "1"


def test_calls_of_several_users_with_tokens_never_lock_each_other_out(
    connected_app: ConnectedApp,
) -> None:
    """Each takes the same counters in the same order, those that are given back too."""
    owner = ready(connected_app, price="0.01", free_per_day=1, cap_per_day="3")
    users = [f"user-{number}" for number in range(8)]
    for user in users[:4]:  # the others are refused, and give back what they held
        owner.control("POST", f"users/{user}", {"balance": "900"})
    made = owner.post("tokens", label="bot", max_per_day="5").get_json()["token"]
    bot = Owner(connected_app, owner.name, made)

    def call(number: int) -> tuple[int, str]:
        user = users[number % len(users)]
        values = {"user": user, "feature": "pdf", "reference": f"o-{number}", "quantity": 2}
        answer = bot.post("use", **values)
        return answer.status_code, answer.get_json().get("outcome", "")

    with ThreadPoolExecutor(16) as pool:
        told = Tally(pool.map(call, range(160)))
    assert set(told) == {(200, "charged"), (200, "topup_required")}
    assert told[(200, "charged")] == 80
    (spent,) = [n for k, u, n in connected_app.rows(_COUNTED) if (k, u) == (SPENT, "")]
    assert spent == 80 * 20_000 - 4 * 10_000
