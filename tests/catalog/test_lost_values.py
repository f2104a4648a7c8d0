"""A value that a tool lost is no value; one that only looks like it is taken as it is."""

from __future__ import annotations

import pytest

from connector.catalog.lost_values import lost_reference, lost_user
from tests.catalog.field_cases import FINE, FINE_USERS, LOST, LOST_REFERENCES


@pytest.mark.parametrize("text", [*LOST, *LOST_REFERENCES])
def test_a_lost_reference_is_recognised(text: str) -> None:
    assert lost_reference(text)


@pytest.mark.parametrize("text", LOST)
def test_a_lost_user_id_is_recognised(text: str) -> None:
    assert lost_user(text)


@pytest.mark.parametrize("text", FINE)
def test_a_reference_that_names_something_is_taken(text: str) -> None:
    assert not lost_reference(text)


@pytest.mark.parametrize("text", [*FINE, *FINE_USERS])
def test_a_user_id_that_names_somebody_is_taken(text: str) -> None:
    assert not lost_user(text)
