"""Time in the database: microseconds since 1970, read as aware UTC, by the database's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, ScalarSelect, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept as a whole number of microseconds, so that both databases compare
    it alike."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class now(FunctionElement[datetime]):  # noqa: N801 -- reads like SQL's own functions
    """The database's clock, plus a whole number of seconds: `now()`, `now(30)`, `now(-600)`."""

    type = Moment()
    inherit_cache = True

    def __init__(self, plus: int = 0) -> None:
        super().__init__(*([literal(plus * 1_000_000, BigInteger)] if plus else []))


def fixed(moment: now) -> ScalarSelect[datetime]:
    """A moment to compare a column of a big table with: asked once, so that an index serves.
    PostgreSQL asks its clock anew for every row otherwise, and therefore reads them all."""
    return select(moment).scalar_subquery()


@compiles(now, "postgresql")
def _postgresql(element: now, compiler: Any, **kwargs: Any) -> str:
    return _sum("(extract(epoch from clock_timestamp()) * 1000000)::bigint", element, compiler)


@compiles(now, "sqlite")
def _sqlite(element: now, compiler: Any, **kwargs: Any) -> str:
    clock = "cast((julianday('now') - 2440587.5) * 86400000000 as integer)"
    return _sum(clock, element, compiler)


def _sum(clock: str, element: now, compiler: Any) -> str:
    plus = compiler.process(element.clauses)
    return f"({clock} + {plus})" if plus else clock
