"""A worker in a process of its own, to be killed.

Run as `python -m tests.triggers.delivery.lone_worker`.
"""

from __future__ import annotations

import signal

from connector.config.settings import load
from connector.security.encryption import Encryption
from connector.store import Store, make_engine
from connector.triggers.delivery import DeliveryWorker
from connector.triggers.push_client import PushClient

if __name__ == "__main__":
    settings = load()
    DeliveryWorker(
        Store(make_engine(settings.database_url)),
        settings,
        Encryption(settings.secret_keys),
        PushClient(settings.allowed_targets),
    ).start()
    signal.pause()
