"""The settings, read from CONNECTOR_* variables."""
