"""HubSpot's contacts: read once, later only what changed, whatever the portal's size."""

from datetime import timedelta

from tests.python.ingestion.fake_hubspot import CONTACTS_ALONE, START

DAY = timedelta(days=1)


def count(place):
    return place.rows("select count(*), count(distinct id) from raw_hubspot.contacts")[0]


def test_a_second_run_asks_only_for_what_changed_and_doubles_nothing(portal, hubspot):
    hubspot.fill(250, every=DAY)
    assert portal.land()["hubspot"].new == {"contacts": 250}
    hubspot.rows = 0
    hubspot.put(7, START + DAY * 300, city="Rome")
    landed = portal.land()["hubspot"]
    assert hubspot.rows == 2  # the changed one, and the latest of last time within the lag
    assert (landed.new, landed.changed) == ({"contacts": 0}, {"contacts": 2})
    assert count(portal) == (250, 250)
    assert portal.one("select city from raw_hubspot.contacts where id = '7'") == "Rome"


def test_more_changes_than_a_search_gives_are_all_found(portal, hubspot):
    hubspot.fill(30)
    portal.land()
    for number in range(31, 10_500):
        hubspot.put(number, START + DAY + timedelta(milliseconds=number // 3))
    assert portal.land()["hubspot"].error is None
    assert count(portal) == (10_499, 10_499)


def test_more_changes_in_one_moment_than_a_search_gives_are_all_found(portal, hubspot):
    hubspot.fill(30)
    portal.land()
    for number in range(31, 10_500):
        hubspot.put(number, START + DAY)
    hubspot.put(20_000, START + DAY * 2)
    assert portal.land()["hubspot"].error is None
    assert count(portal) == (10_500, 10_500)


def test_archived_and_merged_contacts_are_carried(portal, hubspot):
    hubspot.fill(10)
    portal.land()
    hubspot.put(3, START + DAY, archived=True)
    hubspot.put(4, START + DAY, hs_merged_object_ids="5;6")
    del hubspot.contacts[5]
    portal.land()
    archived, at = portal.rows("select archived, archived_at from raw_hubspot.contacts where id = '3'")[0]
    assert archived
    assert at == START + DAY
    assert portal.one("select hs_merged_object_ids from raw_hubspot.contacts where id = '4'") == "5;6"
    assert count(portal) == (10, 10)


def test_a_contact_changed_while_the_first_listing_is_read_comes_with_the_next_run(portal, hubspot):
    hubspot.fill(250, every=DAY)
    real = hubspot.listing

    def changed_behind_our_back(request, query):
        real(request, query)
        if query.get("after") == "100":
            hubspot.put(5, START + DAY * 251, city="Oslo")
            hubspot.put(240, START + DAY * 400)

    hubspot.listing = changed_behind_our_back
    portal.land()
    hubspot.listing = real
    portal.land()
    assert portal.one("select city from raw_hubspot.contacts where id = '5'") == "Oslo"


def test_a_newly_listed_field_is_filled_for_old_rows_too(portal, hubspot):
    hubspot.fill(5)
    hubspot.put(2, START, loyalty_tier="gold")
    portal.land()
    portal.list_custom(hubspot="{loyalty_tier: text}")
    hubspot.rows = 0
    portal.land()
    assert portal.rows("select id, loyalty_tier from raw_hubspot.contacts where loyalty_tier is not null") == [("2", "gold")]
    hubspot.rows = 0
    portal.land()
    assert hubspot.rows < 6  # read again once, not for ever


def test_two_portals_share_the_tables_and_keep_apart(portal, hubspot):
    hubspot.fill(3)
    portal.connect("hubspot", hubspot.url, identifier="hubspot_two", secrets={"token": "right"}, **CONTACTS_ALONE)
    assert all(one.is_complete for one in portal.land().values())
    found = portal.rows("select connection_id, count(*) from raw_hubspot.contacts group by all order by all")
    assert found == [("hubspot", 3), ("hubspot_two", 3)]


def test_an_empty_portal_makes_the_table(portal):
    assert portal.land()["hubspot"].is_complete
    assert count(portal) == (0, 0)
