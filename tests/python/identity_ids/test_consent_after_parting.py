"""Un-merging never loses a refusal: what held for a mailbox while two persons were taken for one holds ever after."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from mailhouse.consent.compiled import DecisionSql
from tests.python.identity_ids.conftest import CONSENT, Builds
from tests.python.identity_ids.histories import World

START = datetime(2026, 1, 1)
LONG_AGO = datetime(2025, 1, 1)
REFUSALS = (("withdraw", "unsubscribed"), ("block", "complaint"), ("block", "manual_block"))


class Sayings:
    """Everybody once said yes, with proof; since then some have said no, in a system or by letter. Nobody says yes again."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.refusals: list[dict[str, Any]] = []

    def mailbox(self, record: str) -> str:
        """Every fourth record shares its mailbox with the one before it."""
        number = int(record.rsplit("/", 1)[1])
        return f"m{number - (number % 4 == 0)}@x.example"

    def users(self, mailbox: str) -> set[str]:
        return {record for record in self.world.here if self.mailbox(record) == mailbox}

    def refuse(self, now: datetime) -> None:
        """One of those who are there says no; every other time we are told by letter, and no record knows of it."""
        dice = self.world.dice
        record = dice.choice(sorted(self.world.here))
        act, reason = dice.choice(REFUSALS)
        number = len(self.refusals)
        teller = record if dice.random() < 0.5 else f"inbox/act/{number}"
        self.refusals.append(self._act(f"no {number}", teller, self.mailbox(record), act, reason, now))

    def given(self) -> Mapping[str, list[dict[str, Any]]]:
        """A system tells of those of its acts alone whose record it still has."""
        here = sorted(self.world.here)
        points = [{"record_key": record, "kind": "email", "is_valid": True, **self._forms(record)} for record in here]
        grants = [
            {**self._act(f"yes {record}", record, self.mailbox(record), "grant", "form", LONG_AGO), "proof": "double_opt_in"}
            for record in here
        ]
        told = [act for act in self.refusals if act["record_key"] in self.world.here or act["record_key"].startswith("inbox")]
        return {"int_contact_points_united": points, "int_consent_acts_united": [*grants, *told]}

    def _forms(self, record: str) -> dict[str, str]:
        return {"value": self.mailbox(record).upper(), "wide_value": self.mailbox(record)}

    def _act(self, event_id: str, teller: str, mailbox: str, act: str, reason: str, at: datetime) -> dict[str, Any]:
        said = {"channel": "email", "purpose": "*", "brand": "default", "is_origin_dated": True, "address": mailbox}
        times = {"occurred_at": at, "received_at": at}
        return {"event_id": event_id, "record_key": teller, "mailbox": mailbox, "act": act, "reason": reason, **said, **times}


def walk(sql: DecisionSql, seed: int, steps: int) -> int:
    """How many entries were inherited. Fails when a mailbox that was refused is written to again, or a build adds entries."""
    world = World(Random(seed))
    world.come()
    sayings, refused = Sayings(world), dict[str, set[str]]()
    with Builds(sql) as builds:
        for step in range(steps):
            world.step()
            now = START + timedelta(hours=step)
            if step % 2:
                sayings.refuse(now)
            builds.build({**world.given(), **sayings.given()}, now, CONSENT)
            ledger = builds.table("consent_events")
            place = f"seed {seed}, step {step}"
            decided = builds.table(CONSENT, "mailbox, decision, reason")
            allowed = {mailbox for mailbox, decision, _ in decided if decision == "allow"}
            # a shared mailbox is as strict as those who use it: it may be freed when a record of one of them is deleted
            standing = {mailbox for mailbox, users in refused.items() if users <= world.here}
            assert allowed & standing == set(), place
            denied = {mailbox for mailbox, _, reason in decided if reason in {reason for _, reason in REFUSALS}}
            refused |= {mailbox: sayings.users(mailbox) for mailbox in denied}
            builds.build({**world.given(), **sayings.given()}, now, CONSENT)
            assert builds.table("consent_events") == ledger, place
        return sum(1 for (evidence,) in builds.table("consent_events", "evidence") if str(evidence).startswith("inherited from"))


def test_nobody_who_said_no_is_written_to_after_they_are_taken_apart(identity_sql: DecisionSql) -> None:
    assert sum(walk(identity_sql, seed, steps=8) for seed in range(2)) > 0


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(200, 220))
def test_nobody_who_said_no_is_ever_written_to_after_they_are_taken_apart(identity_sql: DecisionSql, seed: int) -> None:
    assert walk(identity_sql, seed, steps=60) > 0
