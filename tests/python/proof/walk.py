"""Seeded walks: random events in many worlds, syncs under faults and deaths, and every invariant after each of them.

Replay one: `python -m tests.python.proof.walk --seed 7 --worlds 1000 --steps 10000`
"""

import argparse
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from mailhouse import controls, sync
from mailhouse.destinations import Call
from mailhouse.errors import SyncRefused
from tests.python.proof import invariants as hold
from tests.python.proof.acts import Act
from tests.python.proof.company import Company, Person, key_of
from tests.python.proof.effects import Effect, Place
from tests.python.proof.engine import Engine, modelled, quick_values
from tests.python.proof.esp import Esp, nobody_listens
from tests.python.proof.expected import Expected, expected
from tests.python.proof.invariants import Known, Run, Violation
from tests.python.proof.life import Life
from tests.python.proof.look import RuleLook
from tests.python.proof.models import compiled
from tests.python.proof.quiet import Quiet
from tests.python.proof.steps import Surroundings, new_world, random_step, refuses_now, stops_mailing
from tests.python.proof.weather import Weather, random_weather

PEOPLE = 4
# of one world, at most
STEPS_BETWEEN_RUNS = (2, 12, 24)


class Walk:
    """One seeded walk; `counts` is what it has exercised. Raises Violation with the line that replays it.

    all_unsubscribe: whoever is in a call stops the mails at the ESP just before it is carried out.
    """

    def __init__(
        self,
        folder: Path,
        consent: Mapping[str, Any],
        seed: int,
        worlds: int,
        *,
        on_file: bool = False,
        real_look: bool = False,
        all_unsubscribe: bool = False,
    ) -> None:
        self.seed, self.worlds, self.real_look = seed, worlds, real_look
        self.replay = f"python -m tests.python.proof.walk --seed {seed} --worlds {worlds}"
        self.replay += " --on-file" * on_file + " --real-look" * real_look + " --all-unsubscribe" * all_unsubscribe
        self.all_unsubscribe = all_unsubscribe
        self.random = Random(seed)
        self.company = Company([])
        self.engine = Engine(folder, consent, self.company, on_file=on_file)
        self.around = Surroundings(self.random, self.company, self.engine.esps, self.engine.clock.now())
        self.company.worlds += [new_world(self.around, number, PEOPLE) for number in range(worlds)]
        self.inbox_acts: list[Act] = []
        self.unreliable = ""
        self.known = Known([], self.company.people())
        self.mailboxes: dict[str, str] = {}
        self.customers: dict[str, set[str]] = {}
        self.held_out: set[tuple[Place, str]] = set()
        self.built: set[tuple[str, str]] = set()
        self.steps = 0
        self.counts: Counter[str] = Counter()

    def close(self) -> None:
        self.engine.close()

    def run(self, steps: int) -> None:
        """Walk until so many steps are done."""
        with quick_values(), modelled(lambda: self.engine.esps):
            try:
                self.build()
                while self.steps < steps:
                    self._round()
            except AssertionError as wrong:
                raise Violation(f"{wrong}\nafter {self.steps:,} steps; replay: {self.replay} --steps {self.steps}") from wrong

    # -- one round ------------------------------------------------------------------------------------------------------
    def _round(self) -> None:
        self.passes(self.random.choice((0.1, 1, 1, 6, 24, 24, 60)))
        most = self.random.choice(STEPS_BETWEEN_RUNS)
        for world in self.company.worlds:
            for _ in range(self.random.randint(1, most)):
                self._count(random_step(self.around, world))
        if self.random.random() < 0.3:
            self.changes_meta()
        if self.random.random() < 0.8:
            for _ in range(self.random.choice((1, 1, 2))):
                self.rough()
        if self.random.random() < 0.3:
            self.seals_and_applies()
        self.tell()
        self.clean()

    def passes(self, hours: float) -> None:
        """Time passes, and nothing else."""
        self.engine.pass_time(timedelta(hours=hours))
        self.around.now = self.engine.clock.now()

    def _count(self, what: str, steps: int = 1) -> None:
        self.steps += steps
        self.counts[what] += 1

    def changes_meta(self) -> None:
        """Somebody edits the meta of a segment: more are held out, or more of them are let in."""
        number = self.random.choice([n for n, feed in enumerate(self.company.feeds) if feed.holdout or feed.rollout < 1])
        feed = self.company.feeds[number]
        if feed.holdout:
            self.company.feeds[number] = replace(feed, holdout=min(0.9, feed.holdout + 0.05))
        else:
            self.company.feeds[number] = replace(feed, rollout=min(0.99, feed.rollout + 0.05))
        self.engine.models.describe(self.company.feeds)
        self._count("meta changed")

    def tell(self) -> None:
        """What was said to us reaches the inbox."""
        told, self.around.inbox = self.around.inbox, []
        if told:
            self.engine.record([act for act, _ in told])
            for _, act in told:
                self._heard(replace(act, known_at=self.engine.clock.now()))

    def _heard(self, act: Act) -> None:
        self.inbox_acts.append(act)
        self.known.hear(act)

    def build(self) -> None:
        self.engine.build()
        people = self.company.people()
        self.known = Known([*self.company.acts, *self.inbox_acts], people)
        self.mailboxes |= {key_of(mailbox): mailbox for mailbox in people.users}
        self.customers = defaultdict(set)
        for person in self.company.profiles():
            self.customers[person.key].add(person.customer_id)
        self._same_decisions()

    def _same_decisions(self) -> None:
        """The project's SQL and the rule in Python decide alike on everybody."""
        now = self.engine.clock.now()
        self.built = set()
        for mailbox, purpose, decision in self.engine.rows("select mailbox, purpose, decision from marts.consent_status"):
            if decision == "allow":
                self.built.add((mailbox, purpose))
            if (decision == "allow") != self.known.allows(mailbox, purpose, now):
                said = [f"{act.act} {act.reason} {act.proof} {act.purpose}" for act in self.known.ledger.acts(mailbox)]
                raise Violation(f"consent_status says {decision} of {purpose} for {mailbox}, by the rule it is not: {said}")

    def expected_now(self, frozen: set[str] = frozenset()) -> Expected:  # type: ignore[assignment]
        now, known = self.engine.clock.now(), self.known

        def allows(mailbox: str, purpose: str) -> bool:
            return known.allows(mailbox, purpose, now)

        return expected(self.company, allows, self.engine.statuses, self.engine.delivered(), self.held_out, frozen)

    # -- a run in bad weather -------------------------------------------------------------------------------------------
    def rough(self) -> None:
        weather = self._weather()
        early = self.random.random() < 0.5
        if early:
            self.tell()
        if weather.is_built:
            self.build()
        if not early:
            self.tell()
        self._close_consent(weather)
        if weather.paused:
            controls.pause(self.engine.settings, weather.paused, "a test", self.engine.clock.now())
        result = self.run_once(weather)
        if result is None and self.random.random() < 0.5:
            self._restarts_at_once(weather)
        if weather.paused:
            controls.resume(self.engine.settings, weather.paused, self.engine.clock.now())
        self._open_consent(weather)
        self.company.emptied = set()

    def _weather(self) -> Weather:
        weather = random_weather(self.random)
        self.company.emptied = weather.emptied
        for what in weather.says:
            self._count(what)
        return weather

    def _close_consent(self, weather: Weather) -> None:
        engine = self.engine
        if not weather.is_built and not weather.closed_by:
            # nothing has been built since it could not be relied on
            weather.closed_by = self.unreliable
        if weather.closed_by == "no table":
            engine.connection.execute(f"drop table if exists {engine.models.relations['consent_status']}")
        if weather.closed_by == "stale":
            engine.pass_time(timedelta(days=2))
        self.unreliable = "" if weather.closed_by == "no inbox" else weather.closed_by
        if weather.closed_by == "no inbox":
            engine.settings.inbox_path.rename(engine.settings.inbox_path.with_suffix(".away"))

    def _open_consent(self, weather: Weather) -> None:
        path = self.engine.settings.inbox_path
        if weather.closed_by == "no inbox":
            path.with_suffix(".away").rename(path)

    def run_once(self, weather: Weather) -> sync.SyncResult | None:
        """One run in its weather, judged."""
        engine, began = self.engine, self.engine.clock.now()
        want = self.expected_now(weather.frozen) if weather.is_built else None
        had = {((*document[:2], one), document[2]) for document, row in engine.delivered().items() for one in row.memberships}
        doubts = engine.rows("select destination, container, membership, document_key from reverse_sync.in_flight")
        if weather.somebody_refuses and not weather.closed_by:
            self._listen()
        result = self._engine_run(weather)
        self._deafen()
        if result is None:
            self._count("refused: the sealed plan does not fit" if weather.was_refused else "killed", steps=1)
        faults = weather.faults
        for fault in faults.met if faults else ():
            self.counts[f"fault: {fault}"] += 1
        errors = [one.error for one in result.destinations if one.error] if result else ["ended early"]
        run = Run(
            began=began,
            effects=[effect for esp in engine.esps.values() for effect in esp.taken_away()],
            known=self.known,
            feeds=self.company.feeds,
            mailboxes=self.mailboxes,
            is_healthy=result is not None and not errors and not (faults and faults.met),
            frozen=weather.frozen | set(result.plan.held_back if result else ()),
            had=had,
            in_doubt={((destination, container, one), key) for destination, container, one, key in doubts},
            fails_closed=bool(weather.closed_by),
            calls=[(esp.name, *sent) for esp in engine.esps.values() for sent in esp.calls],
        )
        self.last_run = run
        self._judge(run, want)
        if weather.closed_by and result is not None and result.ok:
            raise Violation(f"R9: consent was {weather.closed_by}, and the run ended as if all were well")
        return result

    @staticmethod
    def good_weather() -> Weather:
        return Weather(somebody_refuses=False)

    def _engine_run(self, weather: Weather) -> sync.SyncResult | None:
        look = None if self.real_look else lambda context: RuleLook(context, self.known)
        held_back, sealed = weather.held_back, weather.sealed
        try:
            return self.engine.run(weather.life, weather.faults, weather.approval, held_back=held_back, look=look, sealed=sealed)
        except SyncRefused:
            if sealed is None:
                raise
            weather.was_refused = True
            return None

    def _judge(self, run: Run, want: Expected | None) -> None:
        self.counts["races repaired"] += hold.nobody_who_said_no(run)
        hold.no_call_about_who_said_no(run)
        hold.nobody_subscribed_again(run)
        hold.closed_when_it_cannot_be_known(run)
        hold.frozen_moves_nobody(run)
        hold.removed_in_time(run)
        self.counts["refusals seen through"] += hold.off_every_list(run, self._is_ours)
        hold.no_effect_twice(run.effects)
        if want is not None:
            hold.nobody_held_out(run, self.customers)
            hold.only_who_should_leaves(run, lambda effect: self._may_leave(run, want, effect))
        held = {(tuple(row[:3]), one) for row in self.engine.rows(_HELD_OUT) for one in row[3:] if one}
        if not held >= self.held_out:
            raise Violation("R12: somebody who was held out once is so no more")
        self.held_out = held
        self.counts["effects"] += len(run.effects)

    def _is_ours(self, place: Place, mailbox: str) -> bool:
        """Whether we have a mailbox in a membership there, and no marketer put it in."""
        destination, container, membership = place
        esp, key = self.engine.esps[destination], key_of(mailbox)
        return key in esp.members(container, membership) and esp.authors[container, membership, key] == "ours"

    def _may_leave(self, run: Run, want: Expected, effect: Effect) -> bool:
        mailbox = self.mailboxes[effect.key]
        purposes = run.purposes(effect)
        if run.fails_closed:
            # nobody can tell what exactly they refused: a no that was surely said is enough
            boxes = run.known.people.reached(mailbox)
            if any(act.mailbox in boxes and act.act != "grant" for act in self.inbox_acts):
                return True
        # a yes that came after the build brings nobody in, and keeps nobody there
        return effect.key not in want.members[effect.place] or not any(
            (mailbox, purpose) in self.built and run.known.allowed_at(mailbox, purpose, effect.at) for purpose in purposes
        )

    # -- a plan that somebody reads first ---------------------------------------------------------------------------------
    def seals_and_applies(self) -> None:
        """A plan is sealed, and the world moves on, or does not: then that plan is carried out, or nothing is."""
        self.build()
        self.engine.recover()
        path, document = self.engine.seal()
        self.engine.pass_time(timedelta(minutes=10))
        self.around.now = self.engine.clock.now()
        if self.random.random() < 0.5:
            for world in self.random.sample(self.company.worlds, max(1, len(self.company.worlds) // 20)):
                self._count(random_step(self.around, world))
            self.build()
        if self.random.random() < 0.5:
            self.tell()
        weather = replace(self.good_weather(), sealed=path)
        self.run_once(weather)
        hold.only_what_was_read(self.last_run, document, weather.was_refused)
        self.counts["sealed plans"] += 1

    # -- a no at any moment ---------------------------------------------------------------------------------------------
    def _listen(self) -> None:
        """Now and then somebody of a batch refuses while it is on its way."""
        for esp in self.engine.esps.values():
            esp.hook = partial(self._somebody_refuses, esp)

    def _deafen(self) -> None:
        for esp in self.engine.esps.values():
            esp.hook = nobody_listens

    def _somebody_refuses(self, esp: Esp, when: str, call: Call) -> None:
        if self.all_unsubscribe and when == "arrives":
            self.around.now = self.engine.clock.now()
            for person in self._people_of(call):
                stops_mailing(self.around, esp, person)
                self._count("unsubscribed there while written to", steps=0)
        if self.random.random() < 0.1:
            change = self.random.choice(call.changes)
            self.around.now = self.engine.clock.now()
            refuses_now(self.around, change.address)
            self.tell()
            self._count(f"refused when the call {when}")
        if self.random.random() < 0.1:
            # only the ESP knows until it is landed
            there = self._people_of(call)
            self.around.now = self.engine.clock.now()
            if there:
                stops_mailing(self.around, esp, self.random.choice(there))
            self._count(f"unsubscribed there when the call {when}")

    def _people_of(self, call: Call) -> list[Person]:
        keys = {change.key for change in call.changes}
        return [person for world in self.company.worlds for person in world.people if person.key in keys]

    # -- deaths ---------------------------------------------------------------------------------------------------------
    def _restarts_at_once(self, weather: Weather) -> None:
        """Nothing has changed: what is sent again was in flight when the process died."""
        engine = self.engine
        in_flight = {tuple(row) for row in engine.rows("select destination, container, document_key from reverse_sync.in_flight")}
        taken = {row for esp in engine.esps.values() for row in esp.taken}
        result = self.run_once(replace(weather, life=Life(), faults=None))
        again = {row for esp in engine.esps.values() for row in esp.taken} & taken
        for row in again:
            if row[:3] not in in_flight and result is not None:
                raise Violation(f"{row[:3]}: was acknowledged, and is sent again after the restart")
        self._count("restarted at once")
        self.counts["rows sent again"] += len(again)

    # -- a run in good weather, and what is there afterwards ---------------------------------------------------------------
    def clean(self) -> None:
        self.build()
        Quiet(self).reached()
        self._count("quiet point", steps=0)


_HELD_OUT = "select destination, container, membership, customer_id, mailbox from reverse_sync.holdouts"


def main() -> None:
    """Replay one walk."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--seed", "--worlds", "--steps"):
        parser.add_argument(name, type=int, required=True)
    for name in ("--on-file", "--real-look", "--all-unsubscribe"):
        parser.add_argument(name, action="store_true")
    said = parser.parse_args()
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        consent = compiled(folder / "compiled")
        how = {name: getattr(said, name) for name in ("on_file", "real_look", "all_unsubscribe")}
        walk = Walk(folder / "walk", consent, said.seed, said.worlds, **how)
        opened.callback(walk.close)
        walk.run(said.steps)
        print(f"seed {said.seed}: {walk.steps:,} steps, nothing wrong: {dict(sorted(walk.counts.items()))}")


if __name__ == "__main__":
    main()
