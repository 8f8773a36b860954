"""`mailhouse identity`: who is who, and why; the weights of scoring, and what they make of a file whose truth is known."""

import json
from pathlib import Path

import click

from mailhouse import terminal
from mailhouse.commands.identity_explain import explain
from mailhouse.commands.options import settings_of, workdir_option


@click.group()
def identity() -> None:
    """Who is who, and why: fit weights, measure them, and show what holds two records together."""


@identity.command()
@workdir_option
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--id", "id_column", metavar="COLUMN", required=True, help="The column that names a record.")
@click.option("--truth", "truth_column", metavar="COLUMN", required=True, help="The column that says which person it truly is.")
@click.option("--map", "mapped", metavar="FIELD=COLUMN", multiple=True, help="Which column holds a field; say one for each.")
@click.option("--weights", type=click.Path(path_type=Path), help="A seed of weights; without it they are fitted on the file.")
@click.option("--save-weights", type=click.Path(dir_okay=False, path_type=Path), help="Write the weights that were used.")
@click.option("--json", "as_json", is_flag=True, help="The measures as JSON.")
@click.pass_context
def score(
    context: click.Context,
    workdir: Path | None,
    file: Path,
    id_column: str,
    truth_column: str,
    mapped: tuple[str, ...],
    weights: Path | None,
    save_weights: Path | None,
    as_json: bool,
) -> None:
    """Run the records of FILE (csv or parquet) through the identity models, and measure the answer against the truth.

    FIELD is given_name, family_name, birth_date, street_number, street, locality, city, postcode, region, country, phone or
    email. The truth is looked at only after everything is decided. Nothing of the warehouse is read or changed.
    """
    from mailhouse.identity.records import Asked, parse_map
    from mailhouse.identity.score import score as score_file
    from mailhouse.identity.weights import read_weights

    asked = Asked(file, id_column, truth_column, parse_map(mapped))
    given = read_weights(weights) if weights else None
    measured, used = score_file(settings_of(context, workdir), asked, given, lambda text: click.echo(text, err=True))
    if save_weights:
        save_weights.write_text(used.as_csv(), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(measured.as_dict(), indent=2))
    else:
        terminal.show(measured.table())


@identity.command()
@workdir_option
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write it [seeds/identity_weights.csv].")
@click.pass_context
def train(context: click.Context, workdir: Path | None, out: Path | None) -> None:
    """Fit the weights on the published warehouse's own records, and write the seed.

    Nothing changes until the seed is built: read it as a diff first.
    """
    from mailhouse.identity.train import SEED
    from mailhouse.identity.train import train as fit_weights

    settings = settings_of(context, workdir)
    training = fit_weights(settings)
    terminal.show(training.table())
    path = out or settings.project / SEED
    path.write_text(training.fitted.weights.as_csv(), encoding="utf-8")
    terminal.line(f"wrote {path}; `git diff` shows what changed, and the next run scores by it")


identity.add_command(explain)
