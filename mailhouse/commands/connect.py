"""`mailhouse connect`: have a user grant access to an account in the browser, and keep what was granted."""

import webbrowser
from pathlib import Path

import click

from mailhouse import terminal
from mailhouse.commands.options import named_connection, settings_of, workdir_option
from mailhouse.errors import ConfigurationError


@click.command()
@workdir_option
@click.argument("name", metavar="VENDOR", required=False)
@click.option("--port", type=click.IntRange(0, 65535), help="Of the redirect address that is registered with the vendor [8718].")
@click.option("--browser/--no-browser", default=True, help="Open the vendor's page, or only show its address.")
@click.option("--new-key", is_flag=True, help="Make a key for MAILHOUSE_TOKEN_KEY, and do nothing else.")
@click.pass_context
def connect(
    context: click.Context, workdir: Path | None, name: str | None, port: int | None, browser: bool, new_key: bool
) -> None:
    """Grant access to VENDOR's account (or a connection's, by its id) in the browser."""
    from mailhouse import audit
    from mailhouse.clock import SystemClock
    from mailhouse.oauth import browser as page
    from mailhouse.oauth.store import Grants
    from mailhouse.oauth.store import new_key as made_key
    from mailhouse.oauth.tokens import forget
    from mailhouse.oauth.vendors import manners_of
    from mailhouse.settings import operator

    if new_key:
        click.echo(made_key())
        return
    if not name:
        raise ConfigurationError("say which vendor or connection; `mailhouse connect --help`")
    settings = settings_of(context, workdir)
    connection = named_connection(settings, name)
    manners = manners_of(connection)
    source = connection.source(manners.secret)
    if source is None or source.kind != "oauth":
        raise ConfigurationError(
            f"connection {connection.id}: write `secrets: {{{manners.secret}: oauth, client_id: …, client_secret: …}}`;"
            " see docs/connect-an-account.md"
        )
    # a key that is missing is told before anybody is sent to the vendor
    grants = Grants(settings.workdir)

    def show(address: str) -> None:
        terminal.line(f"Say yes there: {address}")
        if browser:
            webbrowser.open(address)

    clock = SystemClock()
    grant = page.granted(connection, show, clock, port=page.PORT if port is None else port)
    with grants.locked(connection.id):
        grants.save(connection.id, grant)
    forget(connection)
    audit.Trail(settings).append("connect", clock, actor=operator(), params={"connection": connection.id})
    ends = "renewed by itself" if grant.refresh_token else "without an end"
    terminal.line(f"Granted to {connection.id}, {ends}. `mailhouse doctor --live {connection.id}` looks at what it allows.")
