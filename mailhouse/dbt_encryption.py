"""dbt-duckdb's plugin of the target `encrypted`: dbt writes the warehouse on the same terms as everything else."""

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from mailhouse import encryption


class Plugin(BasePlugin):
    """Called by dbt-duckdb before it attaches the warehouse."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Make the connection able to write encrypted, and nothing else. Raises EncryptionUnavailable."""
        encryption.allow_writing(conn)
        encryption.encrypt_spill(conn, self.creds.attach[0].path)
