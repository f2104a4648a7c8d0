"""Archives: the same files give the same bytes, and common tools unpack them."""

from __future__ import annotations

import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from connector.specs.pack import npm_tarball, zipped

FILES: dict[str, str | bytes] = {"b/two.txt": "zwei ✓\n", "a.bin": b"\x00\x01", ".dot": ""}


@pytest.mark.parametrize("pack", [zipped, npm_tarball])
def test_the_same_files_give_the_same_bytes_in_any_order(pack: object) -> None:
    assert callable(pack)
    assert pack(FILES) == pack(dict(reversed(FILES.items())))
    assert pack(FILES) != pack(FILES | {"a.bin": b"\x00\x02"})


def test_a_zip_holds_every_file() -> None:
    with zipfile.ZipFile(io.BytesIO(zipped(FILES))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(FILES)
        assert archive.read("b/two.txt").decode() == "zwei ✓\n"
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}


def test_an_npm_tarball_has_everything_in_the_folder_package() -> None:
    with tarfile.open(fileobj=io.BytesIO(npm_tarball(FILES))) as archive:
        members = archive.getmembers()
        assert [member.name for member in members] == [f"package/{name}" for name in sorted(FILES)]
        assert {(m.mtime, m.mode, m.uid, m.uname) for m in members} == {(499162500, 0o644, 0, "")}
        packed = archive.extractfile("package/b/two.txt")
        assert packed is not None
        assert packed.read().decode() == "zwei ✓\n"


def test_tar_unpacks_it(tmp_path: Path) -> None:
    (tmp_path / "it.tgz").write_bytes(npm_tarball(FILES))
    subprocess.run(["tar", "-xzf", "it.tgz"], cwd=tmp_path, check=True)
    assert (tmp_path / "package/b/two.txt").read_text() == "zwei ✓\n"
