"""Reading the columns that a fixed format needs from a Parquet file."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from scoring.errors import InputFileError


def read_needed_columns(path: Path, needed: Iterable[str], file_format: str) -> pl.DataFrame:
    """Read some columns of a Parquet file.

    Raises
    ------
    InputFileError
        If the file is not Parquet or has no such columns.
    """
    try:
        columns = list(pl.read_parquet_schema(path))
        missing = [name for name in needed if name not in columns]
        if missing:
            raise InputFileError(
                path,
                f"format {file_format} needs column `{missing[0]}`",
                remedy=f"Its columns are {', '.join(columns)}. For another shape: --format parquet and --map.",
            )
        return pl.read_parquet(path, columns=list(needed))
    except (pl.exceptions.PolarsError, OSError) as error:
        problem = str(error).partition("\n")[0]
        raise InputFileError(
            path, f"can't be read as Parquet ({problem})", remedy=f"Format {file_format} is a Parquet file."
        ) from error
