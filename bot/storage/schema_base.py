"""What all tables share: kinds of columns, and the base that knows them."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import BigInteger, Integer, LargeBinary, MetaData, String
from sqlalchemy.orm import DeclarativeBase, mapped_column

_Wide = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits everywhere; SQLite's own name for it, so that a primary key is the row's address."""

Snowflake = Annotated[int, mapped_column(_Wide)]
KeySnowflake = Annotated[int, mapped_column(_Wide, primary_key=True, autoincrement=False)]
Total = Annotated[int, mapped_column(_Wide)]
Author = Annotated[bytes, mapped_column(LargeBinary(16))]
KeyNumber = Annotated[int, mapped_column(primary_key=True, autoincrement=False)]
KeyAuthor = Annotated[bytes, mapped_column(LargeBinary(16), primary_key=True)]
Number = Annotated[int, mapped_column(primary_key=True, autoincrement=True)]
Word = Annotated[str, mapped_column(String(16))]
Later = Annotated[int, mapped_column(server_default="0")]
"""A count that tables with rows got in a later schema."""
LaterTotal = Annotated[int, mapped_column(_Wide, server_default="0")]
KeyWord = Annotated[str, mapped_column(String(16), primary_key=True)]
KeyEmoji = Annotated[str, mapped_column(String(64), primary_key=True)]


class Base(DeclarativeBase):
    """What all tables share: names for their constraints, which migrations need."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
