"""A worker in a process of its own, to be killed: `python -m tests.delivery.lone_worker`."""

from __future__ import annotations

import signal

from connector.config import load
from connector.delivery import Delivery
from connector.sealing import Sealer
from connector.store import Store, make_engine
from connector.targets import Targets

if __name__ == "__main__":
    settings = load()
    Delivery(
        Store(make_engine(settings.database_url)),
        settings,
        Sealer(settings.secret_keys),
        Targets(settings.allowed_targets),
    ).start()
    signal.pause()
