"""The bytes of text files as UTF-8 without what is no text: other encodings, byte order marks, NUL characters."""

import codecs
import gzip
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scoring.errors import InputFileError

_GZIP_MAGIC: Final = b"\x1f\x8b"
_PARQUET_MAGIC: Final = b"PAR1"
_ZIP_MAGIC: Final = b"PK\x03\x04"
_HEAD_BYTES: Final = 4096
_UTF16_NUL_SHARE: Final = 0.3
"""Half of the bytes of English text in UTF-16 are NUL, in one place of each pair; no 8-bit text has such."""

_MAX_SHOWN: Final = 40
"""Characters of somebody's file that an error shows."""


@dataclass(frozen=True)
class FileText:
    r"""A file's text.

    Attributes
    ----------
    content
        UTF-8, lines end with ``\n`` or ``\r\n``.
    dropped
        Lines that are no text, by cause.
    remarks
        How the text was read, where it is not plain UTF-8.
    """

    content: bytes
    dropped: Mapping[str, int]
    remarks: tuple[str, ...]


def read_text(path: Path) -> FileText:
    """Read a text file, gzipped or not, in UTF-8, UTF-16 or, where it is neither, Windows-1252.

    Raises
    ------
    InputFileError
        If the file can't be read, or is Parquet or a ZIP archive (as a workbook of Excel is).
    """
    try:
        with path.open("rb") as start:
            is_gzipped = start.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        with gzip.open(path) if is_gzipped else path.open("rb") as file:
            content = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise InputFileError(
            path, f"can't be read as CSV ({first_line(error)})", remedy="It must be text, gzipped or not."
        ) from error
    if content.startswith(_PARQUET_MAGIC):
        raise InputFileError(path, "is a Parquet file", remedy="Add --format parquet.")
    if content.startswith(_ZIP_MAGIC):
        raise InputFileError(
            path, "is a ZIP archive or an Excel workbook", remedy="Unpack it, or save the sheet as CSV (UTF-8)."
        )
    content, remarks = _as_utf8(content)
    content, dropped = _without_nul(content)
    if b"\n" not in content and b"\r" in content:
        content = content.replace(b"\r", b"\n")
    return FileText(content, dropped, remarks)


def shown(text: object) -> str:
    """Return a text of somebody's file as a terminal may show it: printable, and not too long."""
    printable = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in str(text)[:_MAX_SHOWN])
    return printable + ("…" if len(str(text)) > _MAX_SHOWN else "")


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, as a terminal may show it."""
    line = str(error).strip().partition("\n")[0] or type(error).__name__
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in line)


def _as_utf8(content: bytes) -> tuple[bytes, tuple[str, ...]]:
    if content.startswith(codecs.BOM_UTF8):
        content = content.removeprefix(codecs.BOM_UTF8)
    utf16 = _utf16(content)
    if utf16 is not None:
        text = content[: len(content) // 2 * 2].decode(utf16, errors="replace").removeprefix("\ufeff")
        return text.encode(), ("UTF-16 was read",)
    try:
        content.decode()
    except UnicodeDecodeError:
        return content.decode(errors=_WINDOWS_1252).encode(), ("not all of it is UTF-8: the rest as Windows-1252",)
    return content, ()


def _utf16(content: bytes) -> str | None:
    """Return which UTF-16 it is, by its byte order mark or by where its NUL bytes are; null for none."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16-le" if content.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
    head = content[:_HEAD_BYTES]
    pairs = len(head) // 2
    high, low = head[0::2].count(0), head[1::2].count(0)
    if pairs and max(high, low) > _UTF16_NUL_SHARE * pairs and min(high, low) < max(high, low) / 10:
        return "utf-16-le" if low > high else "utf-16-be"
    return None


def _without_nul(content: bytes) -> tuple[bytes, dict[str, int]]:
    """Drop NUL characters, which a logger leaves when it loses its power, with the line that they cut; count them."""
    if b"\0" not in content:
        return content, {}
    text, places = re.subn(rb"[^\n\0]*\0+", b"\n", content)
    return text, {"NUL characters": places}


def _windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end


_WINDOWS_1252: Final = "driver-score-windows-1252"
codecs.register_error(_WINDOWS_1252, _windows_1252)
