"""Rows of a data set as they are stored, in a Parquet file or on the hub, held in memory.

In memory, because `datasets` keeps what `map` gave on disk under a hash in which a function of another module counts by
its name alone: after a change of `model.text.cleaning` training would go on with the texts of before.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset, load_dataset

from training.datasets_catalog import Corpus
from training.errors import DataError


def check_folder(data: Path | None) -> None:
    """Raises DataError for a folder of sets that is not there."""
    if data is not None and not data.is_dir():
        raise DataError(f"There's no folder {data}; give the folder that holds the sets with --data.")


def read_rows(name: str, corpus: Corpus, split: str, data: Path | None) -> Dataset:
    """One split of the set called `name` as it is, from the folder `data` or else from the hub.

    Raises DataError saying what would bring it.
    """
    if data is not None:
        file = corpus.file(data, split)
        if not file.is_file():
            raise DataError(f"{name}/{split} should be at {file}; give the folder that holds the sets with --data.")
        return read_parquet(file)
    if corpus.hub is None:
        raise DataError(
            f"{name} isn't read from the hub; give a folder of Parquet files with --data, or take the recipe "
            "slang-hub, which needs none."
        )
    try:
        return load_dataset(corpus.hub, corpus.config, split=corpus.files[split], keep_in_memory=True)
    except Exception as error:  # the hub's HTTP library and datasets have errors of their own
        raise DataError(
            f"{name} couldn't be loaded from the hub ({first_line(error)}); give local files with --data."
        ) from error


def read_parquet(file: Path) -> Dataset:
    """A file's rows as they are. Raises DataError when it cannot be read or holds none."""
    try:
        rows = Dataset(_plain_columns(pq.read_table(file)))
    except Exception as error:  # pyarrow's errors have no common base, and datasets knows only some of its types
        raise DataError(f"{file} isn't a Parquet file that I can read: {first_line(error)}.") from error
    if len(rows) == 0:
        raise DataError(f"{file} holds no rows.")
    return rows


def first_line(error: Exception) -> str:
    """What an error says, up to the first line's end, without its full stop."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _plain_columns(table: pa.Table) -> pa.Table:
    """Values in place of codes: pandas writes a categorical column as a dictionary, which datasets does not take."""
    for index, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            table = table.set_column(index, column.name, table[index].cast(column.type.value_type))
    return table
