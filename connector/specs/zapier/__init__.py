"""The Zapier app: made from the catalog and the events, as one JSON document and what it is pushed
with.

Source: the app schema of zapier-platform-schema, and
https://docs.zapier.com/platform/publish/integration-checks-reference for words and samples.
"""

from connector.specs.zapier.package import files

__all__ = ["files"]
