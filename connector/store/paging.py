"""Where a page of a list goes on that is shown newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, literal, select, tuple_

from connector.errors import InvalidField


def older_than(
    connection: Connection, place: Sequence[Column[Any]], *last: ColumnElement[bool], missing: str
) -> ColumnElement[bool]:
    """Whether a row is behind another one, by the columns in `place` that order the list; `last`
    are the conditions that find that one. Raises InvalidField with the sentence `missing`, and how
    to begin anew, if there is none."""
    found = connection.execute(select(*place).where(*last)).first()
    if found is None:
        raise InvalidField(
            f"{missing} Leave “Before” out to begin with the newest.", field="before"
        )
    values = (literal(value, column.type) for value, column in zip(found, place, strict=True))
    return tuple_(*place) < tuple_(*values)
