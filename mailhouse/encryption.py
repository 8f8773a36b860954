"""Encryption at rest: a warehouse whose key is set is written encrypted, or not at all."""

import importlib.util
from pathlib import Path

import duckdb

from mailhouse.errors import EncryptionUnavailable, WarehouseLocked
from mailhouse.settings import WAREHOUSE_KEY

EXTENSION = "httpfs"
WHEEL = "duckdb_extension_httpfs"


def allow_writing(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the engine what it needs to write encrypted files.

    DuckDB writes encrypted only with OpenSSL, which its extension `httpfs` brings. Raises EncryptionUnavailable without it;
    the engine's own substitute, which it calls unsafe, is never used.
    """
    for extension in (EXTENSION, *(str(path) for path in _from_wheel())):
        try:
            connection.load_extension(extension)
        except duckdb.Error:
            continue
        return
    raise EncryptionUnavailable(
        f"{WAREHOUSE_KEY} is set, and DuckDB {duckdb.__version__} cannot write an encrypted warehouse without its extension"
        f" httpfs; install duckdb-extension-httpfs=={duckdb.__version__}, or unset the key and encrypt the volume"
    )


def encrypt_spill(connection: duckdb.DuckDBPyConnection, path: Path | str) -> None:
    """Have what does not fit into memory written encrypted, beside the file `path`: left alone it is plain, and elsewhere."""
    folder = f"{path}.tmp".replace("'", "''")
    connection.execute(f"set temp_directory = '{folder}'")
    connection.execute("set temp_file_encryption = true")


def attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str, key: str, *, read_only: bool) -> None:
    """Attach the encrypted file `path`, new or old, as `name`. Raises WarehouseLocked for a plain file and for another key."""
    encrypt_spill(connection, path)
    quoted, secret = (text.replace("'", "''") for text in (str(path), key))
    try:
        connection.execute(f"attach '{quoted}' as {name} (encryption_key '{secret}'{', read_only' if read_only else ''})")
    except duckdb.Error as error:
        # the engine's words may repeat the statement, and with it the key
        if isinstance(error, duckdb.IOException) and "lock" in str(error).lower():
            raise
        raise WarehouseLocked(f"{path}: {WAREHOUSE_KEY} does not open it; set the key it was made with, or none") from None


def _from_wheel() -> list[Path]:
    """The extension where the wheel of that name has put it, whatever folders it is in."""
    found = importlib.util.find_spec(WHEEL)
    folders = [Path(folder) for folder in found.submodule_search_locations or ()] if found else []
    return [path for folder in folders for path in sorted(folder.rglob("httpfs.duckdb_extension"))]
