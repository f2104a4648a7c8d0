"""The package passes n8n's own checks, and what is compiled into the service is what it builds."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from connector.specs.example import EXAMPLE_ADDRESS
from connector.specs.n8n import package_files
from tests.specs.n8n import inlined_descriptions, software
from tests.specs.n8n.package import n8n_node, source, tarball
from tests.support import node

pytestmark = pytest.mark.xdist_group("n8n")
_SCAN = """
import { pathToFileURL } from 'node:url';
const { analyzePackage } = await import(pathToFileURL(process.argv[1]));
console.log(JSON.stringify(await analyzePackage(process.argv[2])));
"""


def scan(package: Path) -> object:
    """What n8n's scanner says of a package that was unpacked."""
    scanner = software.tools() / "node_modules/@n8n/scan-community-package/scanner/scanner.mjs"
    module = ["--input-type=module", "--eval", _SCAN]
    said = node.run([node.BIN / "node", *module, scanner, package], package)
    result: object = json.loads(said.splitlines()[-1])
    return result


def unpacked(archive: Path, folder: Path) -> dict[str, bytes]:
    """The files of a packed package by their path; they also lie in `folder/package`."""
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    root = folder / "package"
    return {
        str(file.relative_to(root)): file.read_bytes()
        for file in sorted(root.rglob("*"))
        if file.is_file()
    }


@pytest.fixture(scope="module")
def packed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `npm pack` makes of the source after the official build."""
    n8n_node(package, "build")
    folder = tmp_path_factory.mktemp("npm-pack")
    node.run([*node.NPM, "pack", "--ignore-scripts", "--pack-destination", folder], package)
    (archive,) = folder.glob("*.tgz")
    return archive


def test_the_linter_finds_nothing(package: Path) -> None:
    n8n_node(package, "lint")


def test_the_linter_finds_nothing_where_it_can_see_the_descriptions(tmp_path: Path) -> None:
    package = source(tmp_path)
    assert inlined_descriptions.inline(package) == 4
    n8n_node(package, "lint")
    n8n_node(package, "build")


def test_the_linter_would_see_a_mistake_in_the_descriptions(tmp_path: Path) -> None:
    package = source(tmp_path)
    description = package / "nodes/Paywalls/description.json"
    text = description.read_text(encoding="utf-8")
    description.write_text(text.replace('"Charge user"', '"Charge A User"'), encoding="utf-8")
    inlined_descriptions.inline(package)
    with pytest.raises(AssertionError, match="node-param-operation-option-action-miscased"):
        n8n_node(package, "lint")


def test_the_service_offers_what_npm_packs_after_the_official_build(
    packed: Path, tmp_path: Path
) -> None:
    built = unpacked(packed, tmp_path)
    offered = package_files(EXAMPLE_ADDRESS)
    assert list(built) == sorted(offered, key=Path)
    for name, content in offered.items():
        data = content.encode() if isinstance(content, str) else content
        if name.endswith(".json"):
            # The compiler writes JSON in a style of its own.
            assert json.loads(built[name]) == json.loads(data), name
        else:
            assert built[name] == data, f"{name} is stale: see CONTRIBUTING.md"


def test_the_scanner_of_published_packages_finds_nothing(packed: Path, tmp_path: Path) -> None:
    unpacked(packed, tmp_path)
    assert scan(tmp_path / "package") == {"passed": True}


def test_the_scanner_would_find_something(packed: Path, tmp_path: Path) -> None:
    unpacked(packed, tmp_path)
    name = "package.json"
    data = json.loads((tmp_path / "package" / name).read_text(encoding="utf-8"))
    data["dependencies"] = {"left-pad": "1.0.0"}
    (tmp_path / "package" / name).write_text(json.dumps(data), encoding="utf-8")
    result = scan(tmp_path / "package")
    assert isinstance(result, dict)
    assert result["passed"] is False


@pytest.mark.parametrize("made_by", ["npm", "the service"])
def test_the_tarball_can_be_installed(made_by: str, packed: Path, tmp_path: Path) -> None:
    archive = packed
    if made_by == "the service":
        archive = tarball(tmp_path / "served.tgz", "https://billing.example.com")
    quiet = ["--offline", "--no-audit", "--no-fund", "--loglevel=error"]
    options = ["--omit=peer", "--ignore-scripts"]
    home = tmp_path / "nodes"
    home.mkdir()
    node.run([*node.NPM, "install", *quiet, *options, archive], home)
    installed = home / "node_modules/n8n-nodes-paywalls"
    registered = json.loads((installed / "package.json").read_text())["n8n"]
    for file in (*registered["nodes"], *registered["credentials"]):
        assert (installed / file).is_file()
    assert [path.name for path in (home / "node_modules").iterdir() if path.name[0] != "."] == [
        "n8n-nodes-paywalls"
    ]
    shutil.rmtree(home)
