"""The access token of a connection as it is now: renewed in time, once for all processes, and never lost on the way."""

from dataclasses import replace
from pathlib import Path

from mailhouse.clock import Clock, SystemClock
from mailhouse.crash_points import CrashPoints
from mailhouse.errors import CredentialsMissing, CredentialsRejected
from mailhouse.oauth.exchange import GrantRefused, of_refresh_token
from mailhouse.oauth.store import Grant, Grants
from mailhouse.oauth.vendors import manners_of
from mailhouse.settings import Connection, crash_at

# what this process has read, so that not every call opens a file
_read: dict[tuple[Path, str], Grant] = {}


def access_token(connection: Connection, clock: Clock | None = None) -> str:
    """A token that may be used for the next two minutes at least; tokens end on the machine's clock, whatever time is played.

    Raises CredentialsMissing when nothing was granted, CredentialsRejected when the grant has ended, VendorUnreachable.
    """
    clock = clock or SystemClock()
    if connection.workdir is None:
        raise CredentialsMissing(f"connection {connection.id}: has no work directory in which a grant could be kept")
    place = (connection.workdir, connection.id)
    known = _read.get(place)
    if known is None or not known.is_fresh(clock.now()):
        known = _read[place] = _current(connection, Grants(connection.workdir), clock)
    return known.access_token


def forget(connection: Connection) -> None:
    """Read the grant anew the next time: it was just replaced."""
    if connection.workdir is not None:
        _read.pop((connection.workdir, connection.id), None)


def _current(connection: Connection, grants: Grants, clock: Clock) -> Grant:
    grant = grants.get(connection.id)
    if grant is None:
        raise CredentialsMissing(f"connection {connection.id}: nothing was granted yet; run `mailhouse connect {connection.id}`")
    if grant.is_fresh(clock.now()):
        return grant
    with grants.locked(connection.id):
        # whoever was here before has renewed it already
        grant = grants.get(connection.id) or grant
        return grant if grant.is_fresh(clock.now()) else _renewed(connection, grants, grant, clock)


def _renewed(connection: Connection, grants: Grants, grant: Grant, clock: Clock) -> Grant:
    """A new access token, kept before anybody uses it.

    A vendor that rotates refresh tokens takes the old one until the new one, or what it granted, is used. So a process that
    dies before it has kept the new one leaves an old one that still works, and one that dies after it leaves both.
    """
    crash_point = CrashPoints(crash_at())
    manners = manners_of(connection)
    for refresh_token in dict.fromkeys(filter(None, (grant.refresh_token, grant.previous))):
        try:
            fresh = of_refresh_token(connection, manners, refresh_token, clock)
        except GrantRefused:
            continue
        crash_point("oauth.granted")
        kept = replace(fresh, previous=refresh_token if fresh.refresh_token != refresh_token else "")
        kept = replace(kept, scopes=kept.scopes or grant.scopes)
        grants.save(connection.id, kept)
        crash_point("oauth.kept")
        return kept
    raise CredentialsRejected(f"connection {connection.id}: the grant has ended; run `mailhouse connect {connection.id}`")
