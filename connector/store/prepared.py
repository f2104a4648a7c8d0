"""Statements of the hot path: compiled once for each database, then run on its driver.

SQLAlchemy builds them and knows their types; what it does anew for each execution costs more than
the databases' own work on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.sql.compiler import SQLCompiler

from connector.store.failures import of_driver

Values = Mapping[str, object]
Row = tuple[Any, ...]
_Process = Callable[[Any], Any]


@dataclass(frozen=True)
class _Compiled:
    """A statement as one driver takes it. `names`: the values that it needs; `order`: its
    parameters where they go by position; `given` and `read`: how what goes in and out is converted,
    by name and by place."""

    sql: str
    names: tuple[str, ...]
    constants: dict[str, object]
    order: tuple[str, ...]
    given: tuple[tuple[str, _Process], ...]
    read: tuple[tuple[int, _Process], ...]

    def arguments(self, values: Values) -> Any:
        """`values` as the driver takes them."""
        whole = {**self.constants, **values}
        for name, process in self.given:
            whole[name] = process(whole[name])
        return tuple([whole[name] for name in self.order]) if self.order else whole

    def converted(self, rows: list[Row]) -> list[Row]:
        """Rows of the driver with the types of the statement's columns."""
        if not self.read:
            return rows
        made = []
        for row in rows:
            cells = list(row)
            for place, process in self.read:
                cells[place] = process(cells[place])
            made.append(tuple(cells))
        return made


class Prepared:
    """One statement; `build` makes it for a dialect ("sqlite" or "postgresql"), all its values as
    bound parameters with names. Errors are those that SQLAlchemy would raise."""

    def __init__(self, build: Callable[[str], Executable]) -> None:
        self._build = build
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, connection: Connection, values: Values) -> list[Row]:
        """What a SELECT or a RETURNING gives."""
        compiled, cursor = self._run(connection, values)
        try:
            return compiled.converted(cursor.fetchall())
        except connection.dialect.loaded_dbapi.Error as error:
            raise of_driver(connection, error) from error
        finally:
            cursor.close()

    def first(self, connection: Connection, values: Values) -> Row | None:
        """The first of its rows, or None."""
        rows = self.rows(connection, values)
        return rows[0] if rows else None

    def changed(self, connection: Connection, values: Values) -> int:
        """How many rows an UPDATE or DELETE changed."""
        _, cursor = self._run(connection, values)
        count: int = cursor.rowcount
        cursor.close()
        return count

    def each(self, connection: Connection, many: Iterable[Values]) -> None:
        """Run it once for each of `many`, for what it does and not for what it gives."""
        compiled = self._of(connection.dialect)
        cursor = connection.connection.cursor()
        try:
            cursor.executemany(compiled.sql, [compiled.arguments(values) for values in many])
        except connection.dialect.loaded_dbapi.Error as error:
            raise of_driver(connection, error) from error
        finally:
            cursor.close()

    def _run(self, connection: Connection, values: Values) -> tuple[_Compiled, Any]:
        compiled = self._of(connection.dialect)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(compiled.sql, compiled.arguments(values))
        except connection.dialect.loaded_dbapi.Error as error:
            cursor.close()
            raise of_driver(connection, error) from error
        return compiled, cursor

    def _of(self, dialect: Dialect) -> _Compiled:
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _compile(self._build(dialect.name), dialect)
        return compiled


def _compile(statement: Any, dialect: Dialect) -> _Compiled:
    compiled = cast(SQLCompiler, statement.compile(dialect=dialect))
    binds = compiled.binds.items()
    types = [column.type.dialect_impl(dialect) for column in _columns(statement)]
    given = [
        (name, bind.type.dialect_impl(dialect).bind_processor(dialect)) for name, bind in binds
    ]
    read = [(place, kind.result_processor(dialect, None)) for place, kind in enumerate(types)]
    constants = {name: bind.effective_value for name, bind in binds if not bind.required}
    return _Compiled(
        compiled.string,
        tuple(name for name, bind in binds if bind.required),
        constants,
        tuple(compiled.positiontup or ()) if compiled.positional else (),
        tuple((name, process) for name, process in given if process is not None),
        tuple((place, process) for place, process in read if process is not None),
    )


def _columns(statement: Any) -> Sequence[Any]:
    """What a SELECT or a RETURNING gives; nothing for other statements."""
    return tuple(getattr(statement, "exported_columns", ()))
