"""What it was measured on."""

from __future__ import annotations

import os
import platform
import resource
import sqlite3
import time
from importlib.metadata import version
from pathlib import Path

_SHOWN = ("flask", "gunicorn", "httpx", "sqlalchemy", "marshmallow")
_FSYNC_SECONDS = 1.0
_FSYNC_BYTES = 4096


def describe(folder: Path) -> list[str]:
    """Lines about the processor, memory, disk, system and packages."""
    packages = ", ".join(f"{name} {version(name)}" for name in _SHOWN)
    return [
        f"{os.cpu_count()} cores of {_cpu_model()}, {_memory_gigabytes():.0f} GB of memory",
        f"Linux {platform.release()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}",
        f"the disk makes {fdatasyncs_per_second(folder):,.0f} fdatasync of 4 KB per second",
        f"{packages}",
    ]


class OtherWork:
    """Watches, from when it is made, what others do on this machine (PostgreSQL included)."""

    def __init__(self) -> None:
        self._busy, self._total = _jiffies()
        self._ours = _our_seconds()

    def share(self) -> float:
        """The share of all cores, 0 to 1, that others had; our servers must have ended by now."""
        busy, total = _jiffies()
        ours = (_our_seconds() - self._ours) * os.sysconf("SC_CLK_TCK")
        return max(0.0, busy - self._busy - ours) / max(total - self._total, 1)


def fdatasyncs_per_second(folder: Path) -> float:
    """How often per second this disk writes 4 KB down, measured for a second."""
    file = folder / "fdatasync"
    descriptor = os.open(file, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < _FSYNC_SECONDS:
            os.pwrite(descriptor, b"x" * _FSYNC_BYTES, done * _FSYNC_BYTES)
            os.fdatasync(descriptor)
            done += 1
        return done / (time.perf_counter() - began)
    finally:
        os.close(descriptor)
        file.unlink()


def _jiffies() -> tuple[int, int]:
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    idle, waiting = int(fields[3]), int(fields[4])
    total = sum(int(field) for field in fields)
    return total - idle - waiting, total


def _our_seconds() -> float:
    used = (resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gigabytes() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
