"""A reference names one thing; only the beginning of one would be shared by everything."""

from __future__ import annotations

import pytest
from marshmallow import ValidationError

from connector.catalog.references import reference


@pytest.mark.parametrize("given", ["signup-form-", "question-", "order_", "invoice:", " bot-a- "])
def test_one_whose_number_is_missing_is_refused(given: str) -> None:
    with pytest.raises(ValidationError, match="Choose the field") as refused:
        reference().deserialize(given)
    assert given.strip() in str(refused.value)


@pytest.mark.parametrize(
    "given", ["order-1001", "signup", "V1StGXR8_Z5jdHi6B-", "4f90d13a42_", "a-b-c", "-", "Über-"]
)
def test_ids_of_all_kinds_are_taken_as_they_are(given: str) -> None:
    assert reference().deserialize(given) == given
