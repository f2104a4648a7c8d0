"""The address that stands in the committed files for a connector's own."""

EXAMPLE_ADDRESS = "https://connector.example.com"
