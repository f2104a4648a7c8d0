"""The actions: one file each, with its schemas, its words and its function."""

from __future__ import annotations

import importlib
import pkgutil

from connector.catalog.actions import Action, actions, arrange

ORDER = (
    "charge",
    "use",
    "usage",
    "balance",
    "topup_link",
    "chat",
    "refund",
    "deposit",
    "connection",
    "disconnect",
    "transactions",
    "models",
    "me",
)
"""How the actions are listed; one that is not named here comes after these."""


def load() -> tuple[Action, ...]:
    """Every action: each file of this folder is imported, and they are listed in ORDER, whatever
    was imported before."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    arrange(ORDER)
    return actions()
