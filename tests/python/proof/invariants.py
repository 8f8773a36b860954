"""What must hold whatever happens: each check raises Violation with the seed and the line that replays it."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mailhouse.destinations import Call
from tests.python.proof.acts import PURPOSES, Act, Ledger, People, decide
from tests.python.proof.company import Feed
from tests.python.proof.effects import Document, Effect, Place
from tests.python.proof.expected import share

IN_TIME = timedelta(seconds=60)
ADDITIVE = ("create", "change", "add")


class Violation(AssertionError):
    """An invariant does not hold."""


@dataclass
class Known:
    """What Mailhouse had on disk at any time: the acts as they were at a build, and those that it has heard since.

    A decision is remembered until somebody whom it may concern says something; minutes alone change none here.
    """

    acts: list[Act]
    people: People
    late: list[Act] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.acts, self.people)
        self._concerned: dict[str, list[Act]] = defaultdict(list)
        self._decided: dict[tuple[str, str], bool] = {}

    def hear(self, act: Act) -> None:
        """An act reaches the inbox."""
        self.late.append(act)
        self.ledger.hear(act)
        for mailbox in self.people.reached(act.mailbox):
            self._concerned[mailbox].append(act)
            for purpose in PURPOSES:
                self._decided.pop((mailbox, purpose), None)

    def allows(self, mailbox: str, purpose: str, now: datetime) -> bool:
        """The decision on everything that is known."""
        decided = self._decided.get((mailbox, purpose))
        if decided is None:
            decided = self._decided[mailbox, purpose] = self.ledger.allows(mailbox, purpose, now)
        return decided

    def allowed_at(self, mailbox: str, purpose: str, moment: datetime) -> bool:
        """The decision on everything that was known by `moment`."""
        concerning = self._concerned.get(mailbox, ())
        if all(act.known_at <= moment for act in concerning):
            return self.allows(mailbox, purpose, moment)
        unheard = {act.event_id for act in concerning if act.known_at > moment}
        known = [act for act in self.ledger.acts(mailbox) if act.event_id not in unheard]
        return decide(known, purpose, self.people.country(mailbox), moment)


@dataclass(frozen=True)
class Run:
    """One run as it is judged: what it did, and under which circumstances.

    `mailboxes` key -> mailbox. `is_healthy`: it ended by itself and every call was answered. `in_doubt` are memberships of
    which an earlier run did not know whether they were added. `calls` are (destination, begin, call).
    """

    began: datetime
    effects: list[Effect]
    known: Known
    feeds: list[Feed]
    mailboxes: Mapping[str, str]
    is_healthy: bool
    frozen: Set[str] = frozenset()
    had: Set[tuple[Place, str]] = frozenset()
    in_doubt: Set[tuple[Place, str]] = frozenset()
    fails_closed: bool = False
    calls: Sequence[tuple[str, datetime, Call]] = ()

    def purposes(self, effect: Effect) -> set[str]:
        """The purposes that may carry an effect: those that feed its membership, or any of its container."""
        return {
            feed.purpose
            for feed in self.feeds
            if feed.place[:2] == (effect.destination, effect.container)
            and (not effect.membership or feed.membership == effect.membership)
            and feed.mode != "shadow"
        }


def nobody_who_said_no(run: Run) -> int:
    """R1, R2: whoever is written to may be, by all that was known; a no that came during the call is repaired in a minute.

    Gives back how many such races there were.
    """
    races = 0
    for effect in run.effects:
        if effect.kind not in ADDITIVE or effect.author != "ours":
            continue
        mailbox, purposes = run.mailboxes[effect.key], run.purposes(effect)
        if any(run.known.allowed_at(mailbox, purpose, effect.at) for purpose in purposes):
            continue
        # the end of a job that an earlier run began is seen only now; what was known at its beginning that run was judged by
        is_of_this_run = effect.began >= run.began
        if is_of_this_run and not any(run.known.allowed_at(mailbox, purpose, effect.began) for purpose in purposes):
            raise Violation(f"R1: {effect} although the ledger said no when the call began")
        races += 1
        if run.is_healthy and effect.kind == "add" and not _removed(run, effect, max(effect.at, run.began)):
            raise Violation(f"R2: {effect} although a no came meanwhile, and it was not taken back within a minute")
    return races


def no_call_about_who_said_no(run: Run) -> None:
    """R2: no call that adds or changes even begins to carry somebody of whom a no is known, whether it would change anything."""
    for destination, began, call in run.calls:
        places = [feed for feed in run.feeds if feed.place[:2] == (destination, call.container) and feed.mode != "shadow"]
        purposes = {feed.purpose for feed in places}
        for change in call.changes if call.action != "leave" else ():
            if not any(run.known.allowed_at(change.mailbox, purpose, began) for purpose in purposes):
                raise Violation(f"R2: a {call.action} to {destination} at {began} carries {change.key}, who had said no")


def _removed(run: Run, added: Effect, since: datetime) -> bool:
    return any(
        effect.kind == "remove"
        and (effect.place, effect.key) == (added.place, added.key)
        and added.at <= effect.at <= since + IN_TIME
        for effect in run.effects
    )


def nobody_subscribed_again(run: Run) -> None:
    """R3: no record that refused at the ESP was made mailable by us."""
    for effect in run.effects:
        if effect.kind == "resubscribe":
            raise Violation(f"R3: {effect}")


def closed_when_it_cannot_be_known(run: Run) -> None:
    """R9: without usable consent nothing is added or changed; the end of an earlier run's job is that run's."""
    for effect in run.effects:
        if run.fails_closed and effect.began >= run.began and effect.kind in ADDITIVE and effect.author == "ours":
            raise Violation(f"R9: {effect} although consent could not be relied on")


def nobody_held_out(run: Run, customers: Mapping[str, Set[str]]) -> None:
    """R12: nobody joins an audience that holds all of them out; `customers` key -> those of the segments who have it."""
    for effect in run.effects:
        if effect.kind != "add" or effect.author != "ours":
            continue
        feeders = [feed for feed in run.feeds if feed.place == effect.place]
        there = customers.get(effect.key, set())
        if there and all(share("holdout", feed.place, one) < feed.holdout for feed in feeders for one in there):
            raise Violation(f"R12: {effect} although everybody behind it is held out")


def frozen_moves_nobody(run: Run) -> None:
    """What is held back, paused or stopped adds nobody."""
    places = {feed.place for feed in run.feeds if feed.segment in run.frozen}
    for effect in run.effects:
        if effect.kind == "add" and effect.author == "ours" and effect.place in places:
            raise Violation(f"{effect} although a segment of it is held back")


def only_who_should_leaves(run: Run, may_leave: Callable[[Effect], bool]) -> None:
    """Every removal has a reason, and is of what we put there ourselves."""
    # whom we put where a marketer had put them already is ours as well
    sent = {
        ((destination, call.container, membership), change.key)
        for destination, _, call in run.calls
        for change in call.changes
        if call.action != "leave"
        for membership in change.add
    }
    ours = {(one.place, one.key) for one in run.effects if one.kind == "add"} | sent | run.had | run.in_doubt
    for effect in run.effects:
        if effect.kind != "remove" or effect.author != "ours":
            continue
        if (effect.place, effect.key) not in ours:
            raise Violation(f"{effect}: it was never ours")
        if not may_leave(effect):
            raise Violation(f"{effect}: they should be there, and may be")


def only_what_was_read(run: Run, document: Mapping[str, Any], was_refused: bool) -> None:
    """A sealed plan adds and changes what it says and nothing else; one that was refused does nothing at all."""
    read = {(row["destination"], row["container"], row["document_key"]): row for row in document["people"] if "joins" in row}
    for effect in run.effects:
        if effect.author != "ours" or effect.began < run.began:  # a job of an earlier run may end during this one
            continue
        row = read.get(effect.document)
        said = row and (effect.kind != "add" or effect.membership in row["joins"]) and row["does"] != "remove"
        if was_refused or (effect.kind in ADDITIVE and not said):
            raise Violation(f"{effect} although nobody has read that in the plan")


def removed_in_time(run: Run) -> None:
    """R13: at an ESP that answers, whoever has to leave is off within a minute of the run's begin, or of their own no."""
    late = [act.known_at for act in run.known.late]
    for effect in run.effects:
        if run.is_healthy and effect.kind == "remove" and effect.author == "ours":
            since = max([run.began, *(at for at in late if at <= effect.at)])
            if effect.at - since > IN_TIME:
                raise Violation(f"R13: {effect} took {effect.at - since}")


def off_every_list(run: Run, there: Callable[[Place, str], bool]) -> int:
    """R2, R13: whoever refused since the build is on no list of ours when a healthy run ends; `there` tells who is.

    Gives back how many such memberships there were to look at.
    """
    looked_at = 0
    if not run.is_healthy:
        return looked_at
    mailboxes = {box for act in run.known.late if act.act != "grant" for box in run.known.people.reached(act.mailbox)}
    now = max((effect.at for effect in run.effects), default=run.began)
    for mailbox in sorted(mailboxes):
        for feed in run.feeds:
            feeders = [one.purpose for one in run.feeds if one.place == feed.place]
            if feed.mode == "shadow" or any(run.known.allows(mailbox, purpose, now) for purpose in feeders):
                continue
            looked_at += 1
            if there(feed.place, mailbox):
                raise Violation(f"R13: {mailbox} is still in {feed.place} although they refused before the run ended")
    return looked_at


def no_effect_twice(effects: list[Effect]) -> None:
    """Within one run nobody is added, taken off and added again."""
    last: dict[tuple[Place, str], list[str]] = defaultdict(list)
    for effect in effects:
        if effect.kind in ("add", "remove") and effect.author == "ours":
            last[effect.place, effect.key].append(effect.kind)
    for (place, key), kinds in last.items():
        if kinds.count("add") > 1:
            raise Violation(f"{place} {key}: {kinds} in one run")


def documents(effects: list[Effect]) -> set[Document]:
    """The documents that effects of ours are about."""
    return {effect.document for effect in effects if effect.author == "ours"}
