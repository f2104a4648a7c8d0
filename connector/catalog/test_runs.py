"""Test runs: an exactly-once action that checks everything and moves nothing."""

from __future__ import annotations

from connector.catalog.fields import Flag

TEST = "test"
"""The input field that asks for one."""
_WOULD = "would_"
WOULD = "Test run: everything is in order, and nothing was moved."


def test_run() -> Flag:
    """Whether nothing shall be moved; tools that know when a step is only tried send it."""
    return Flag(
        "Test Run",
        "True checks key, user, amount, rules and balance, and moves no money.",
        example=False,
        in_forms=False,
    )


def would(key: str) -> str:
    """The outcome of a test run of an action in which all is in order."""
    return f"{_WOULD}{key}"


def of_a_test_run(outcome: str) -> bool:
    """Whether an outcome says that nothing was moved because nothing should be."""
    return outcome.startswith(_WOULD)
