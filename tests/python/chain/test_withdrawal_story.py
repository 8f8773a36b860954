"""One person says no, is passed on, agrees again and says no again, with everything landing and building in between.

What we told a system comes back the next day: it must not be told on, nor beat the later yes, nor hide the later no.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.chain import Run
from flows.demo import serving
from mailhouse import sandbox
from mailhouse.sandbox.runtime import STATE
from mailhouse.sandbox.store import Store, stamp
from mailhouse.settings import Settings
from tests.python.chain.conftest import calls, forget_calls, run_chain, settings_in

pytestmark = pytest.mark.torture

EVERYWHERE = """
select crm.record_id, shop.record_id, esp.record_id, crm.mailbox
from intermediate.int_addresses_held as crm
inner join intermediate.int_addresses_held as shop on crm.mailbox = shop.mailbox and shop.source = 'shopify'
inner join intermediate.int_addresses_held as esp on crm.mailbox = esp.mailbox and esp.source = 'mailchimp'
inner join marts.consent_status as status
    on crm.mailbox = status.mailbox and status.purpose = 'marketing_email' and status.decision = 'allow'
where crm.source = 'hubspot' and crm.is_mailable and shop.is_mailable and esp.is_mailable
    and (select count(*) from intermediate.int_addresses_held as other where other.mailbox = crm.mailbox) <= 4
order by crm.mailbox
"""


@dataclass
class Town:
    """A company whose vendors' state can be changed by hand while it is served."""

    settings: Settings
    store: Store

    def a_day_later(self, happens: Callable[[str], None]) -> Run:
        """Let a day pass on which this happens, and run."""
        sandbox.advance(self.settings.sandbox_dir, 1)
        happens(stamp(self.store.now()))
        forget_calls(self.settings)
        return run_chain(self.settings)

    def change(self, kind: str, identifier: str, moment: str, **values: object) -> None:
        row = self.store.get(kind, identifier)
        row.body |= values
        for name in ("updatedAt", "last_changed"):
            if name in row.body:
                row.body[name] = moment
        row.updated_at = moment
        self.store.put(kind, row)

    def opt_out(self, contact: str, moment: str, *, flag: str = "true", **properties: str) -> None:
        held = self.store.get("hubspot.contact", contact).body["properties"]
        self.change("hubspot.contact", contact, moment, properties=held | {"hs_email_optout": flag, **properties})


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    settings = settings_in(tmp_path / "town")
    sandbox.create(settings.sandbox_dir, seed=11, customers=250)
    store = Store(settings.sandbox_dir / STATE)
    with serving(settings) as live:
        yield Town(live, store)
    store.close()


def decision(run: Run, mailbox: str) -> tuple[str, str]:
    with run.warehouse.read() as connection:
        (row,) = connection.execute(
            "select decision, reason from marts.consent_status where mailbox = ? and purpose = 'marketing_email'", [mailbox]
        ).fetchall()
    return row


def told(run: Run, mailbox: str) -> set[str]:
    with run.warehouse.read() as connection:
        rows = connection.execute(
            "select distinct connection_id from reverse_sync.withdrawals where mailbox = ? and status = 'accepted'", [mailbox]
        ).fetchall()
    return {name for (name,) in rows}


def owed_writes(town: Town) -> int:
    words = ("unsubscribe-all", "customerEmailMarketingConsentUpdate", "suppression")
    counted = calls(town.settings)["calls"]
    return sum(one["calls"] for one in counted if one["writes"] and any(w in one["path"] + one["operation"] for w in words))


def test_a_no_a_yes_and_another_no(town: Town):
    first = run_chain(town.settings)
    assert first.problems == []
    with first.warehouse.read() as connection:
        contact, customer, member, mailbox = connection.execute(EVERYWHERE).fetchall()[0]
    member = member.partition(":")[2]

    # they leave the list, and every system hears of it
    run = town.a_day_later(lambda moment: town.change("mailchimp.member", member, moment, status="unsubscribed"))
    assert run.problems == []
    assert decision(run, mailbox)[0] == "deny"
    assert {"hubspot", "shopify"} <= told(run, mailbox)
    assert town.store.get("hubspot.contact", contact).body["properties"]["hs_email_optout"] == "true"
    assert town.store.get("shopify.customer", customer).body["emailMarketingConsent"]["marketingState"] == "UNSUBSCRIBED"

    # what was told lands, and changes nothing
    run = town.a_day_later(lambda _: None)
    assert decision(run, mailbox)[0] == "deny"
    with run.warehouse.read() as connection:
        echoes = connection.execute(
            "select connection_id from marts.consent_events where mailbox = ? and reason = 'passed_on' order by 1", [mailbox]
        ).fetchall()
    assert {"hubspot", "shopify"} <= {name for (name,) in echoes}

    # they agree again, in the shop
    def agrees(moment: str) -> None:
        consent = {"marketingState": "SUBSCRIBED", "marketingOptInLevel": "CONFIRMED_OPT_IN", "consentUpdatedAt": moment}
        town.change("shopify.customer", customer, moment, emailMarketingConsent=consent)

    run = town.a_day_later(agrees)
    assert run.problems == []
    assert decision(run, mailbox)[0] == "allow"
    assert town.store.get("shopify.customer", customer).body["emailMarketingConsent"]["marketingState"] == "SUBSCRIBED"

    # a clerk changes the contact, which still bears the flag that we set
    run = town.a_day_later(lambda moment: town.opt_out(contact, moment, company="Elsewhere"))
    assert run.problems == []
    assert decision(run, mailbox)[0] == "allow"
    assert town.store.get("shopify.customer", customer).body["emailMarketingConsent"]["marketingState"] == "SUBSCRIBED"

    # they tell the clerk that it was a mistake, twice over: the flag is cleared, and set again
    def changes_their_mind(moment: str) -> None:
        with town.store.transaction() as state:
            state.execute("delete from object where kind = 'hubspot.preference'")
        town.opt_out(contact, moment)

    run = town.a_day_later(changes_their_mind)
    assert run.problems == []
    assert decision(run, mailbox) == ("deny", "crm_opt_out")
    assert town.store.get("shopify.customer", customer).body["emailMarketingConsent"]["marketingState"] == "UNSUBSCRIBED"
    assert owed_writes(town) > 0

    # and that is the end of it
    forget_calls(town.settings)
    assert run_chain(town.settings).problems == []
    assert owed_writes(town) == 0
