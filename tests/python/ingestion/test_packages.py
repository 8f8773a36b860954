"""A long reading is loaded in pieces, so that memory does not grow with it; each piece alone is harmless."""

import pytest

from ingestion import source
from mailhouse.errors import VendorUnreachable
from tests.python.ingestion.fake_hubspot import START


@pytest.fixture
def small_packages(monkeypatch):
    monkeypatch.setattr(source, "PACKAGE_ROWS", 150)
    monkeypatch.setattr(source, "BATCH_ROWS", 100)
    monkeypatch.setattr(source.batches, "__defaults__", (100,))


def test_a_long_listing_goes_into_several_packages_and_ends_as_one(portal, hubspot, small_packages):
    hubspot.fill(730)
    landed = portal.land()["hubspot"]
    assert len(landed.load_ids) == 4
    assert landed.new == {"contacts": 730}
    assert portal.rows("select count(*), count(distinct id), count(distinct _dlt_load_id) from raw_hubspot.contacts") == [
        (730, 730, 4)
    ]
    hubspot.rows = 0
    assert portal.land()["hubspot"].is_complete
    assert hubspot.rows <= 302  # the lag, not everything


def test_all_vendors_land_in_pieces_what_they_land_whole(place, vendors, monkeypatch):
    monkeypatch.setattr(source, "PACKAGE_ROWS", 1)
    landed = place.land()
    assert all(one.is_complete for one in landed.values())
    counted = {"customers": 7, "products": 1, "orders": 9, "order_lines": 18, "refunds": 1}
    assert landed["shopify"].new == {**counted, "abandoned_checkouts": 0, "removed": 0}
    assert landed["mailchimp"].new["members"] == 5
    assert (landed["klaviyo"].new["profiles"], landed["klaviyo"].new["list_members"]) == (8, 5)
    assert len(landed["shopify"].load_ids) >= 5
    vendors.asked("shopify")
    assert place.land()["shopify"].is_complete
    assert "/bulk/{name}" not in vendors.asked("shopify")


def test_a_reading_that_breaks_off_between_two_packages_loses_nothing(portal, hubspot, small_packages):
    hubspot.fill(730)
    real, broken = hubspot.listing, [True]

    def breaking(request, query):
        if broken and query.get("after") == "500":
            return hubspot.answer(request, 503, "")
        return real(request, query)

    hubspot.listing = breaking
    assert type(portal.land()["hubspot"].error) is VendorUnreachable
    broken.clear()
    hubspot.put(3, START, city="Rome")  # read already, and changed with no new time: only reading it all again finds it
    landed = portal.land()["hubspot"]
    assert landed.is_complete
    assert landed.finished_pending
    assert portal.rows("select count(*), count(distinct id), count(*) filter (city = 'Rome') from raw_hubspot.contacts") == [
        (730, 730, 1)
    ]
