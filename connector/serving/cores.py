"""A processor core for each worker, where the operator says that the cores are the connector's.

Threads that hop between cores hand Python's lock over more slowly. It is not done unasked: several
connectors on one machine, each in its own container, would all choose the same cores.
"""

from __future__ import annotations

import os
from typing import Any


class Cores:
    """Deals out the cores that this process may run on. Its two methods are gunicorn's hooks
    `pre_fork` and `post_fork`."""

    def __init__(self, workers: int) -> None:
        """More `workers` than cores, or a system that cannot do it, and nothing is dealt out."""
        able = hasattr(os, "sched_setaffinity")
        cores = sorted(os.sched_getaffinity(0)) if able else []
        self._cores = cores if workers <= len(cores) else []

    def choose(self, arbiter: Any, worker: Any) -> None:
        """Before the fork: the first core that no living worker has."""
        taken = {getattr(other, "core", None) for other in arbiter.WORKERS.values()}
        worker.core = next((core for core in self._cores if core not in taken), None)

    def keep(self, _arbiter: Any, worker: Any) -> None:
        """In the worker: run there alone, with all the threads that it will start."""
        if worker.core is not None:
            os.sched_setaffinity(0, {worker.core})
