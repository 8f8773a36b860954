"""Who must come off a destination although no plan says so yet: people whose no was heard while a sync was running."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from mailhouse.destinations import Call, Change, rules_of
from mailhouse.sync.consent import consent_state
from mailhouse.sync.context import ConsentLook, Context
from mailhouse.sync.state import SCHEMA
from mailhouse.sync.targets import Targets

EVER = datetime(1970, 1, 1, tzinfo=UTC)
# what is delivered, and what an earlier run left on its way: that it was never seen to arrive does not mean it did not
_THERE = f"""
    with memberships as (
        select container, document_key, customer_id, address, mailbox, vendor_id,
            unnest(from_json(memberships, '["VARCHAR"]')) as membership
        from {SCHEMA}.delivered
        where destination = $destination
        union all
        select container, document_key, customer_id, address, mailbox, vendor_id, membership
        from {SCHEMA}.in_flight
        where destination = $destination and action = 'add' and sent_at <= $begun_at
    )
    select container, document_key, max(customer_id), max(address), max(mailbox), max(vendor_id), list(distinct membership)
    from memberships
    where mailbox in (select unnest($mailboxes::varchar[]))
    group by container, document_key
"""


class Departures:
    """Turns acts that are newer than the plan into the leave calls of one destination; `planned` are those it has already."""

    def __init__(
        self, context: Context, targets: Targets, destination: str, look: ConsentLook, planned: Iterable[Call] = ()
    ) -> None:
        self._context, self._destination, self._look = context, destination, look
        self._leaving = {
            (call.container, call.membership, change.key) for call in planned if call.action == "leave" for change in call.changes
        }
        self._purposes: dict[tuple[str, str], set[str]] = {}
        for audience in targets.audiences:
            if audience.destination == destination:
                self._purposes.setdefault((audience.container, audience.membership), set()).add(audience.purpose)
        self._begun_at = context.clock.now()
        self._asked_at = _before_the_build(context, targets)

    @contextmanager
    def asked_again_after_a_failure(self) -> Iterator[None]:
        """Whom `since_last_asked` told of in this block is told of again if not all of them could be taken off."""
        before = self._asked_at
        try:
            yield
        except BaseException:
            self._asked_at = before
            raise

    def since_last_asked(self) -> list[Call]:
        """Leave calls for every membership that people are in who said no since this was asked before."""
        asked_at, self._asked_at = self._asked_at, self._context.clock.now()
        mailboxes = self._look.withdrawn_since(asked_at)
        if not mailboxes:
            return []
        rows = self._context.warehouse.execute(
            _THERE, {"destination": self._destination, "mailboxes": sorted(mailboxes), "begun_at": self._begun_at}
        ).fetchall()
        there = [
            Change(
                destination=self._destination,
                container=container,
                key=key,
                customer_id=customer_id,
                address=address,
                mailbox=mailbox,
                fields="{}",
                row_hash="",
                write=False,
                add=tuple(sorted(memberships)),
                vendor_id=vendor_id,
            )
            for container, key, customer_id, address, mailbox, vendor_id, memberships in rows
        ]
        return self.of(there, in_doubt=True)

    def of(self, changes: Iterable[Change], in_doubt: bool = False) -> list[Call]:
        """Leave calls for those memberships (`add`) of these documents that their owners may not be in any more.

        in_doubt: people of whom a no was surely recorded leave also when consent cannot be decided.
        """
        leaving: dict[tuple[str, str], list[Change]] = {}
        for change in changes:
            for membership in change.add:
                if (change.container, membership, change.key) in self._leaving:
                    continue
                leaving.setdefault((change.container, membership), []).append(change)
        gone: dict[tuple[str, str], Change] = {}
        for (container, membership), members in sorted(leaving.items()):
            for change in self._said_no(container, membership, members, in_doubt):
                before = gone.setdefault((container, change.key), replace(change, write=False, remove=()))
                gone[container, change.key] = replace(before, remove=(*before.remove, membership))
        return self._calls(gone.values())

    def _calls(self, gone: Iterable[Change]) -> list[Call]:
        """In calls of the sizes that the destination takes, however many have said no at once."""
        connection = self._context.settings.connections.get(self._destination)
        rules = rules_of(connection) if connection else None
        return rules.calls(gone) if rules else []

    def those_who_said_no(self, call: Call) -> Call | None:
        """What of a leave call is due to a no, and may not wait even when everything else does."""
        gone = self._said_no(call.container, call.membership, call.changes, in_doubt=False)
        return replace(call, changes=tuple(gone)) if gone else None

    def _said_no(self, container: str, membership: str, changes: Sequence[Change], in_doubt: bool) -> list[Change]:
        """Those whom no purpose that feeds the membership allows any more."""
        purposes = sorted(self._purposes.get((container, membership), set()))
        if not purposes:
            return []
        left = list(changes)
        for purpose in purposes:
            seen = self._look.look([replace(change, needs=(purpose,)) for change in left])
            if self._look.trouble:
                return [replace(change, add=(), remove=(membership,)) for change in changes] if in_doubt else []
            left = [change for change in left if change.key in seen.refused]
        return [replace(change, add=(), remove=(membership,)) for change in left]


def _before_the_build(context: Context, targets: Targets) -> datetime:
    """A moment since which every act is looked at, for the plan may not know of it: surely before consent was decided.

    However old the decision is: whoever has said no since comes off; where there is none, whoever ever said no.
    """
    now = context.clock.now()
    decided_at = consent_state(context.warehouse, targets, now, context.consent_max_age).decided_at
    return min(now - context.consent_max_age, decided_at) if decided_at else EVER
