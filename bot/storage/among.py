"""One of many ids, with one bound variable however many they are: SQLite takes 32,766 and PostgreSQL 32,767."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, Select, all_, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import ColumnElement


def among(dialect: str, column: ColumnElement[Any], ids: Iterable[int]) -> ColumnElement[bool]:
    """Whether a column of ids is one of these."""
    if dialect == "postgresql":
        return column == any_(_array(ids))
    return column.in_(_listed(ids))


def not_among(dialect: str, column: ColumnElement[Any], ids: Iterable[int]) -> ColumnElement[bool]:
    """Whether it is none of these."""
    if dialect == "postgresql":
        return column != all_(_array(ids))
    return column.not_in(_listed(ids))


def _array(ids: Iterable[int]) -> ColumnElement[Any]:
    return literal(sorted(ids), ARRAY(BigInteger))


def _listed(ids: Iterable[int]) -> Select[Any]:
    return select(func.json_each(json.dumps(sorted(ids))).table_valued("value").c.value)
