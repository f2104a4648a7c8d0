"""Simple actions and triggers for the Paywalls.ai billing API."""

__version__ = "0.1.0"
