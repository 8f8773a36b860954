"""`mailhouse bench sync`: small runs, whose answers must be right, and wrong answers that must be noticed; nothing is timed."""

import json
import urllib.error

import pytest
from click.testing import CliRunner

from mailhouse.bench import difference as bench_difference
from mailhouse.bench import engine, figures
from mailhouse.bench.difference import measure_difference
from mailhouse.bench.engine import measure_engine
from mailhouse.bench.measured import Took
from mailhouse.bench.push import PEOPLE_A_CALL, measure_push
from mailhouse.bench.serving import serving
from mailhouse.bench.world import made_up
from mailhouse.cli import main


def test_the_bound_is_calls_by_latency_by_connections():
    figure = measure_push("mailchimp", 0.001, write_calls=5)
    assert figure.wrong == ""
    assert figure.people == 5 * PEOPLE_A_CALL
    # the list, its tags, the tag that is made, its fields
    assert figure.calls == 5 + 4
    assert figure.bound == pytest.approx(9 * 0.001 / figure.concurrency)


def test_an_engine_that_sends_too_few_is_noticed(monkeypatch):
    monkeypatch.setattr(engine, "change_everybody", lambda warehouse: warehouse.execute(
        "update profiles.people set first_name = 'Other' || first_name where customer_id <> 'c000000007'"
    ))  # fmt: skip
    _, changed, _ = measure_engine("klaviyo", 30, 0.0)
    assert changed.wrong == "30 owed, 29 arrived, 29 acknowledged"


def test_a_delivery_that_is_not_what_the_models_say_is_noticed():
    with made_up(3, {}) as context:
        assert engine._not_delivered(context) == 3


def test_the_difference_finds_those_who_were_changed():
    figure = measure_difference(2_000, rounds=1)
    assert figure.wrong == ""
    assert 0 < figure.changed < 200


def test_a_difference_that_misses_somebody_is_noticed(monkeypatch):
    whole = bench_difference.difference.changes
    monkeypatch.setattr(bench_difference.difference, "changes", lambda warehouse: whole(warehouse)[1:])
    figure = measure_difference(2_000, rounds=1)
    assert figure.wrong.startswith("1 of ")


def test_the_server_is_gone_afterwards():
    with serving("Customers", 0.0) as served:
        assert served.counts() == {"calls": 0, "records": 0}
    with pytest.raises(urllib.error.URLError):
        served.counts()


def test_everybody_arrives_once_and_then_nobody():
    options = ["--people", "600", "--diff-people", "500", "--latency-ms", "0", "--json"]
    done = CliRunner().invoke(main, ["bench", "sync", *options])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    # new, changed, nothing; 500 people a call to Mailchimp, 10,000 to Klaviyo
    assert [(one["vendor"], one["people"], one["write_calls"]) for one in found["engine"]] == [
        *[("mailchimp", 600, 2), ("mailchimp", 600, 2), ("mailchimp", 0, 0)],
        *[("klaviyo", 600, 1), ("klaviyo", 600, 1), ("klaviyo", 0, 0)],
    ]
    assert {one["ratio"] for one in found["engine"]} == {None}
    assert found["difference"]["people"] == 500
    assert len(found["goals"]) == 6


def test_a_wrong_answer_ends_the_command_non_zero(monkeypatch):
    took = Took(wall=1.0, cpu=0.5)
    broken = figures.EngineFigure("klaviyo", "everybody new", 5, 0.0, took, took, 1, 3, 10, "two are missing")
    monkeypatch.setattr(figures, "measure", lambda *_: figures.Figures((broken,), (), None))
    done = CliRunner().invoke(main, ["bench", "sync"])
    assert done.exit_code == 1
    assert "klaviyo, everybody new: two are missing" in done.stderr
    assert "everybody new" in done.stdout
