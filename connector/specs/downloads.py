"""What a running connector offers under `/specs`, with its own public address filled in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connector.specs import flowxo, zapier
from connector.specs.pack import zipped

EXAMPLE_ADDRESS = flowxo.EXAMPLE_ADDRESS


@dataclass(frozen=True)
class Download:
    """A file: `name` is its address after `/specs/`, `build` makes its content."""

    name: str
    platform: str
    label: str
    what: str
    mimetype: str
    build: Callable[[], bytes]


def downloads(address: str) -> tuple[Download, ...]:
    """Everything that can be downloaded, for a connector with this public URL."""
    return (
        Download(
            "zapier.zip",
            "Zapier",
            "The Zapier app",
            "Unpack it and push it to your Zapier account: its README tells how.",
            "application/zip",
            lambda: zipped(_in_folder("paywalls-zapier", "zapier_spec/", zapier.files(address))),
        ),
        Download(
            "flowxo.json",
            "FlowXO",
            "Every step as data",
            "The fields of FlowXO's HTTP task for every action, and whole recipes.",
            "application/json",
            lambda: flowxo.files(address)[flowxo.JSON_FILE].encode(),
        ),
    )


def _in_folder(folder: str, of_repository: str, files: dict[str, str]) -> dict[str, str]:
    """Files of the repository's folder, in a folder of another name."""
    return {f"{folder}/{name.removeprefix(of_repository)}": text for name, text in files.items()}
