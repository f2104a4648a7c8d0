"""Archives of generated files: the same files always give the same bytes."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping

_MODE = 0o644
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest moment that a zip file can name."""
_NPM_EPOCH = 499_162_500
"""The moment that `npm pack` gives to every file, 1985-10-26 in UTC."""

Files = Mapping[str, str | bytes]


def zipped(files: Files) -> bytes:
    """A zip archive of files by their path."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, also when it is made elsewhere
            entry.external_attr = (0o100000 | _MODE) << 16
            archive.writestr(entry, _bytes(content))
    return packed.getvalue()


def npm_tarball(files: Files) -> bytes:
    """A package as `npm pack` makes it: a gzipped tar with everything in the folder `package`."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", compresslevel=9, fileobj=packed, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"package/{name}")
            data = _bytes(content)
            entry.size, entry.mtime, entry.mode = len(data), _NPM_EPOCH, _MODE
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
