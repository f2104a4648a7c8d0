"""Names of fields that every platform shows alike, beside those of the catalog."""

from __future__ import annotations

API_KEY = "API Key"
ADDRESS = "Connector Address"
ON_REFUSAL = "If the User Cannot Pay Yet"
WHEN_TESTED = "When You Test This Step"
