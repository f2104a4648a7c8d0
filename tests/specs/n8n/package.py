"""The package as npm packs it, for a connector at some address."""

from __future__ import annotations

from pathlib import Path

from connector.specs.n8n import files, package_files
from connector.specs.n8n.package import FOLDER
from connector.specs.pack import npm_tarball
from tests.specs.n8n import software
from tests.support import node


def source(folder: Path) -> Path:
    """The package's source in `folder`, with the tools beside it; the folder of its package.json.

    n8n's tools look for what they need in the folder of the package itself.
    """
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / FOLDER / "node_modules").symlink_to(software.tools() / "node_modules")
    return folder / FOLDER


def tarball(path: Path, address: str) -> Path:
    """Write what the running service offers for installation."""
    path.write_bytes(npm_tarball(package_files(address)))
    return path


def n8n_node(package: Path, command: str) -> str:
    """What n8n's tool for packages prints."""
    program = package / "node_modules/.bin/n8n-node"
    return node.run(
        [node.BIN / "node", program, command],
        package,
        env=software.environment(package.parent / "bin"),
    )
