"""`python -m connector`: the same as the command `connector`."""

from connector.cli.commands import main

main(prog_name="connector")
