"""`mailhouse consent`: take an act of consent at any time, and show what is known of an address."""

from datetime import UTC, datetime
from pathlib import Path

import click

from mailhouse import terminal
from mailhouse.clock import clock_of
from mailhouse.commands.options import settings_of, workdir_option
from mailhouse.consent.acts import ACTS, EVERY, PROOFS, REASONS, ConsentAct
from mailhouse.consent.purposes import check_purpose
from mailhouse.errors import ConfigurationError
from mailhouse.settings import operator


@click.group()
def consent() -> None:
    """Take withdrawals, grants and blocks, and show what is known of an address."""


@consent.command()
@workdir_option
@click.argument("email")
@click.option("--act", type=click.Choice(ACTS), required=True, help="What was done.")
@click.option("--purpose", default=EVERY, show_default=True, help="What it is about; * is everything, for a grant name one.")
@click.option("--channel", default="email", show_default=True, help="By which channel; * is every one.")
@click.option("--brand", default="default", show_default=True, help="Said to which brand; * is every one.")
@click.option("--source", default="by hand", show_default=True, help="Where the person said so: a letter, the phone, a form.")
@click.option("--reason", default="", help="Kind of a block, as seeds/consent_block_reasons.csv names it [manual_block].")
@click.option("--proof", type=click.Choice(PROOFS), help="What a grant proves; without it a grant is refused.")
@click.option("--evidence", help="What shows it: the form, the wording's version, the file.")
@click.option("--at", help="When the person did it, ISO 8601 [a refusal: now; a grant: a time nobody knows].")
@click.option("--id", "event_id", default="", help="The act's own id, when its sender may send it twice.")
@click.pass_context
def record(context: click.Context, workdir: Path | None, email: str, at: str | None, **said: str) -> None:
    """Take one act about EMAIL, also while a sync is running; a refusal counts from its next batch on."""
    from mailhouse import audit
    from mailhouse.consent.inbox import Inbox
    from mailhouse.contact_points import normalise_email

    settings = settings_of(context, workdir)
    clock = clock_of(settings)
    if said["act"] == "grant" and said["purpose"] != EVERY:
        check_purpose(settings.project, said["purpose"], "--purpose")
    occurred_at = _moment(at) if at else None
    if occurred_at is None and said["act"] != "grant":
        occurred_at = clock.now()
    reason = said.pop("reason") or REASONS[said["act"]]
    act = ConsentAct(address=email, reason=reason, occurred_at=occurred_at, recorded_by=operator(), **said)  # type: ignore[arg-type]
    (received,) = Inbox(settings.inbox_path).record([act], clock)
    audit.Trail(settings).append(
        f"consent {act.act}",
        clock,
        actor=operator(),
        subject=audit.subject_of(settings, normalise_email(email).wide or email),
        params={name: getattr(act, name) for name in ("purpose", "channel", "brand", "reason", "proof")},
        reference=received.act.event_id,
    )
    terminal.line(f"Recorded: {_in_words(act)}")


@consent.command()
@workdir_option
@click.argument("email")
@click.pass_context
def show(context: click.Context, workdir: Path | None, email: str) -> None:
    """Show the decision for EMAIL by purpose, and every entry of the ledger and the inbox that it goes by."""
    from mailhouse.consent.show import tables

    settings = settings_of(context, workdir)
    for table in tables(settings, email, clock_of(settings).now()):
        terminal.show(table)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"--at: {text!r} is no moment; say it as 2026-05-01T10:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _in_words(act: ConsentAct) -> str:
    about = "every purpose" if act.purpose == EVERY else act.purpose
    if act.act != "grant":
        return f"{act.act} of {about}. Nothing is sent against it from now on, not by a sync that is running either."
    if act.occurred_at is None:
        return f"grant of {about}. Nobody knows its time, so it counts only where nothing was ever refused; say --at."
    return f"grant of {about}. It counts from the next run on, or from the next batch of one that is running."
