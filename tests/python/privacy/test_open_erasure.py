"""An erasure that a vendor keeps open: everything else is done, and asked again it asks that vendor alone."""

from dataclasses import replace

import pytest

from mailhouse.errors import ConfigurationError
from mailhouse.privacy.vendors import erase_at
from mailhouse.settings import Connection
from tests.python.privacy.conftest import moved


def test_a_vendor_that_refuses_us_keeps_only_itself_from_being_done(landed, tmp_path):
    house = moved(landed, tmp_path / "work")
    right = house.settings
    wrong = replace(right.connections["hubspot"], sandbox_secrets={"token": "not this one"})
    house.settings = replace(right, connections={**right.connections, "hubspot": wrong})
    receipt = house.erase()
    assert {one.connection_id: one.status for one in receipt.vendors} == {
        "hubspot": "failed",
        "shopify": "deleted",
        "mailchimp": "deleted",
        "klaviyo": "deleted",
        "sendgrid": "deleted",
        "salesforce": "deleted",
    }
    assert len(receipt.problems) == 1 and "hubspot" in receipt.problems[0]
    # until the vendor has done it, one file still knows whom it is about
    assert house.files_with(*house.canary.texts) == ["privacy.db"]
    house.settings = right
    house.vendors.forget()
    again = house.erase()
    assert again.ok and again.erasure_id == receipt.erasure_id
    assert set(house.vendors.writes()) == {"hubspot"}
    assert house.files_with(*house.canary.texts) == []


def test_a_vendor_that_offers_no_deletion_says_so(landed):
    receipt = erase_at(Connection("letters", "post_office", "http://127.0.0.1"), None, landed.clock)
    assert (receipt.status, receipt.is_settled) == ("unsupported", True)


def test_a_file_that_still_holds_the_person_is_named(landed, tmp_path):
    house = moved(landed, tmp_path / "work")
    note = house.settings.workdir / "notes" / "call.txt"
    note.parent.mkdir()
    note.write_text(f"Called {house.canary.address.upper()}")
    receipt = house.erase()
    assert receipt.problems == ["notes/call.txt: still holds an address; remove it and erase again"]
    note.unlink()
    assert house.erase().ok


def test_what_is_no_address_is_refused(landed, tmp_path):
    with pytest.raises(ConfigurationError, match="no e-mail address"):
        moved(landed, tmp_path / "work").erase("nobody")
