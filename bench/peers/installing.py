"""Installing peers from PyPI into virtualenvs under .bench/, once for each list of versions."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import click

from bench.processes import BenchError

_HERE = Path(__file__).parent
_INSTALL_SECONDS = 600


def installed(peer: str, home: Path) -> Path:
    """The `bin` folder of a virtualenv with `requirements-<peer>.txt`, made if it is not there.

    Raises BenchError when it cannot be made.
    """
    wanted = _HERE / f"requirements-{peer}.txt"
    stamp = hashlib.sha256(wanted.read_bytes()).hexdigest()
    venv = home / f"{peer}-venv"
    ready = venv / ".ready"
    if not ready.exists() or ready.read_text() != stamp:
        click.echo(f"Installing {peer} into {venv.relative_to(home.parent)} …")
        _run([sys.executable, "-m", "venv", "--clear", str(venv)])
        pip = [str(venv / "bin/pip"), "install", "--disable-pip-version-check", "--quiet"]
        _run([*pip, "--progress-bar", "on", "-r", str(wanted)])
        ready.write_text(stamp)
    return venv / "bin"


def versions(bin_folder: Path, *packages: str) -> str:
    """`name version, …` of packages in such a virtualenv."""
    script = (
        "import sys; from importlib.metadata import version; "
        "print(', '.join(f'{p} {version(p)}' for p in sys.argv[1:]))"
    )
    return _run([str(bin_folder / "python"), "-c", script, *packages]).strip()


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 -- our own command
            command, stdout=subprocess.PIPE, timeout=_INSTALL_SECONDS, check=True, text=True
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise BenchError(f"{Path(command[0]).name} failed; the lines above say why.") from error
    return done.stdout
