"""`python -m connector.config` prints the table of settings as it stands in the docs."""

from connector.config.settings import settings_table

print(settings_table())  # noqa: T201 - this is what the command is for
