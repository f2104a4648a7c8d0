"""A database file that is deleted or replaced under a running process is not written any more."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from connector.errors import Unavailable
from connector.store import Store, make_engine, secret_rows
from tests.store.conftest import up_to_date


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database, up to date."""
    file = tmp_path / "x.sqlite3"
    up_to_date(f"sqlite:///{file}")
    return file


@pytest.fixture
def opened(file: Path) -> Store:
    """A store on it that has been used."""
    store = Store(make_engine(f"sqlite:///{file}"))
    store.write(secret_rows.rewrite)
    return store


def both_fail(store: Store) -> None:
    for use in (store.read, store.write):
        with pytest.raises(Unavailable, match="put the file back and to restart"):
            use(secret_rows.rewrite)


@pytest.mark.parametrize("pooled", [True, False])
def test_a_deleted_file_is_told_and_none_is_made(file: Path, opened: Store, pooled: bool) -> None:
    if not pooled:
        opened.engine.dispose()
    file.unlink()
    both_fail(opened)
    assert not file.exists()
    opened.close()


def test_a_replaced_file_is_told(file: Path, opened: Store) -> None:
    shutil.copy(file, file.with_suffix(".copy"))
    file.with_suffix(".copy").replace(file)
    both_fail(opened)
    opened.close()


def test_the_same_file_put_back_is_used_again(file: Path, opened: Store) -> None:
    file.rename(file.with_suffix(".away"))
    both_fail(opened)
    file.with_suffix(".away").rename(file)
    opened.write(secret_rows.rewrite)
    opened.close()
