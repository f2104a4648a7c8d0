"""The actions: one file each, with its schemas, its words and its function."""

from __future__ import annotations

import importlib
import pkgutil

ORDER = (
    "charge",
    "balance",
    "topup_link",
    "chat",
    "deposit",
    "connection",
    "disconnect",
    "models",
    "me",
)
"""How the actions are listed; a file that is not named here comes after these."""


def load() -> None:
    """Import every file of this folder, so that its actions are in the catalog."""
    names = {module.name for module in pkgutil.iter_modules(__path__)} - {"call", "refusals"}
    for name in (*ORDER, *sorted(names - set(ORDER))):
        importlib.import_module(f"{__name__}.{name}")
