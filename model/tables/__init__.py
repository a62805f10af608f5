"""Tables of texts: one reader and one writer for the command line and the web page."""

from model.tables.formulas import as_text, harmless, may_be_formula
from model.tables.reading import look_at, read_table
from model.tables.table import BadTable, Limits, Table, described
from model.tables.writing import COLUMNS, UNREADABLE, header_line, result_cells, row_line

__all__ = [
    "COLUMNS",
    "UNREADABLE",
    "BadTable",
    "Limits",
    "Table",
    "as_text",
    "described",
    "harmless",
    "header_line",
    "look_at",
    "may_be_formula",
    "read_table",
    "result_cells",
    "row_line",
]
