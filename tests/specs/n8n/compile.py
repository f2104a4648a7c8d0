"""Renews `connector/specs/n8n/compiled/` with n8n's official build.

For `python -m tests.specs.n8n.compile`, after a change of the TypeScript in `static/` beside it.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.specs.n8n.package import n8n_node, source

COMPILED = Path(__file__).resolve().parents[3] / "connector/specs/n8n/compiled"


def main() -> None:
    """Build the package and keep the JavaScript that comes out."""
    with tempfile.TemporaryDirectory() as folder:
        package = source(Path(folder))
        n8n_node(package, "build")
        shutil.rmtree(COMPILED, ignore_errors=True)
        for file in (package / "dist").rglob("*.js"):
            kept = COMPILED / file.relative_to(package / "dist")
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, kept)


if __name__ == "__main__":
    main()
