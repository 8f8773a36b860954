"""What a vendor must not answer: one clear line, nothing lost, nothing half landed, the others go on."""

import json
from datetime import timedelta

import pytest

from mailhouse.errors import CredentialsRejected, FieldDoesNotFit, MalformedAnswer, VendorUnreachable
from tests.python.ingestion.fake_hubspot import START, FakeHubSpot

ANSWERS = {
    "html": "<html>sorry</html>",
    "truncated": '{"results": [{"id": "1", "prop',
    "not a number": '{"results": [{"id": NaN}]}',
    "bottomless": "[" * 100_000,
    "not utf-8": b'{"results": "\xff"}',
}
WRONG_SHAPES = {"no results": '{"contacts": []}', "results are no objects": '{"results": [1]}', "a list": "[]"}


@pytest.fixture
def landed(portal, hubspot):
    """A portal of five contacts that has been landed, with a sixth that has not."""
    hubspot.fill(5)
    portal.land()
    hubspot.put(6, START + timedelta(days=1))
    return portal


def assert_nothing_moved(place, error, kind):
    assert type(error) is kind
    assert "hubspot" in str(error)
    assert "\n" not in str(error)
    assert place.one("select count(*) from raw_hubspot.contacts") == 5
    assert place.rows("select status, error_code from quality.landings order by landed_at desc, status desc")[0] == (
        "failed",
        kind.__name__,
    )


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_is_no_json_is_asked_for_again_and_then_refused(landed, hubspot, answer):
    landed.clock.sleep(60)
    hubspot.script = [(200, {}, ANSWERS[answer])] * 3
    assert_nothing_moved(landed, landed.land()["hubspot"].error, MalformedAnswer)
    hubspot.script = [(200, {}, ANSWERS[answer])]
    landed.clock.sleep(60)
    assert landed.land()["hubspot"].is_complete
    assert landed.one("select count(*) from raw_hubspot.contacts") == 6


@pytest.mark.parametrize("answer", WRONG_SHAPES)
def test_a_page_of_another_shape_is_refused_naming_the_endpoint(landed, hubspot, answer):
    landed.clock.sleep(60)
    hubspot.script = [(200, {}, WRONG_SHAPES[answer])]
    error = landed.land()["hubspot"].error
    assert_nothing_moved(landed, error, MalformedAnswer)
    assert "/crm/objects/" in str(error)


def test_a_wrong_credential_is_told_at_once_by_its_name(landed, hubspot):
    landed.clock.sleep(60)
    hubspot.token = "another"
    hubspot.calls.clear()
    error = landed.land()["hubspot"].error
    assert_nothing_moved(landed, error, CredentialsRejected)
    assert "HUBSPOT_TOKEN" in str(error)
    assert "right" not in str(error)
    assert len(hubspot.calls) == 1


def test_a_vendor_that_does_not_answer_is_given_up_after_bounded_tries(landed, hubspot):
    landed.clock.sleep(60)
    before = landed.clock.now()
    hubspot.close()
    assert_nothing_moved(landed, landed.land()["hubspot"].error, VendorUnreachable)
    assert timedelta(seconds=5) < landed.clock.now() - before < timedelta(seconds=60)


def test_a_value_that_does_not_fit_stops_the_source_naming_record_and_field_but_not_the_value(landed, hubspot):
    landed.clock.sleep(60)
    hubspot.put(6, START + timedelta(days=1), hs_email_optout="perhaps-secret")
    error = landed.land()["hubspot"].error
    assert_nothing_moved(landed, error, FieldDoesNotFit)
    assert "contacts.hs_email_optout of record 6" in str(error)
    assert "boolean" in str(error)
    assert "perhaps" not in str(error)
    hubspot.put(6, START + timedelta(days=1), hs_email_optout="true")
    landed.clock.sleep(60)
    assert landed.land()["hubspot"].is_complete
    assert landed.one("select hs_email_optout from raw_hubspot.contacts where id = '6'") is True


def test_a_broken_source_does_not_stop_the_others(portal, hubspot):
    hubspot.fill(3)
    other = FakeHubSpot(token="something else")
    portal.connect("hubspot", other.url, identifier="broken", secrets={"token": "wrong"})
    landed = portal.land()
    other.close()
    assert landed["hubspot"].is_complete
    assert type(landed["broken"].error) is CredentialsRejected
    status = dict(portal.rows("select connection_id, status from quality.landings"))
    assert status == {"hubspot": "complete", "broken": "failed"}


def test_an_unlisted_field_is_named_once(portal, hubspot, caplog):
    hubspot.fill(2)
    original = hubspot.page

    def with_a_surprise(request, found, limit, after, properties):
        found = [{**contact, "portalMood": "fine"} for contact in found]
        return original(request, found, limit, after, properties)

    hubspot.page = with_a_surprise
    assert portal.land()["hubspot"].unlisted == ("contacts.portalMood",)
    assert caplog.text.count("portalMood") == 1
    assert portal.land()["hubspot"].unlisted == ()


@pytest.mark.parametrize(
    ("headers", "at_least", "at_most"),
    [
        ({"Retry-After": "7"}, 7, 8),
        ({"Retry-After": "Thu, 01 Jan 2026 00:00:09 GMT", "Date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 9, 10),
        ({"Retry-After": "99999999"}, 120, 121),
        ({"Retry-After": "-5"}, 1, 1.1),
        ({"Retry-After": "soon"}, 1, 1.1),
        ({}, 1, 1.1),
    ],
)
def test_slow_down_is_obeyed_as_it_is_said(portal, hubspot, headers, at_least, at_most):
    hubspot.fill(3)
    body = json.dumps({"status": "error", "errorType": "RATE_LIMIT", "policyName": "SECONDLY"})
    hubspot.script = [(429, headers, body)]
    before = portal.clock.now()
    assert portal.land()["hubspot"].is_complete
    waited = (portal.clock.now() - before).total_seconds()
    assert at_least <= waited <= at_most


def test_slow_down_and_broken_pages_in_the_middle_of_a_listing_are_waited_out(portal, hubspot):
    hubspot.fill(350)
    real, trouble = hubspot.listing, [(429, {"Retry-After": "3"}, ""), (502, {}, "<html>"), (200, {}, "<html>"), (403, {}, "")]

    def troubled(request, query):
        if query.get("after") == "200" and len(trouble) > 1:
            return hubspot.answer(request, trouble[0][0], trouble[0][2], trouble.pop(0)[1])
        return real(request, query)

    hubspot.listing = troubled
    assert portal.land()["hubspot"].is_complete
    assert portal.one("select count(*) from raw_hubspot.contacts") == 350


def test_a_used_up_day_is_not_waited_for(portal, hubspot):
    hubspot.script = [(429, {}, json.dumps({"errorType": "RATE_LIMIT", "policyName": "DAILY"}))]
    error = portal.land()["hubspot"].error
    assert type(error) is VendorUnreachable
    assert str(error).startswith("connection hubspot: the portal's calls for today")
    assert len(hubspot.calls) == 1


def test_a_storm_of_server_errors_passes(portal, hubspot):
    hubspot.fill(3)
    hubspot.script = [(503, {}, "")] * 4
    assert portal.land()["hubspot"].is_complete


def test_no_person_and_no_secret_is_written_outside_the_warehouse(portal, hubspot, caplog):
    hubspot.fill(3)
    hubspot.put(9, START, firstname="Canaria")
    portal.land()
    for number in range(10, 6_000):
        hubspot.put(number, START + timedelta(days=1, seconds=number), firstname="Canaria")
    hubspot.put(6_000, START + timedelta(days=9), hs_email_optout="Canaria")
    portal.clock.sleep(1)
    portal.land()
    written = b"".join(file.read_bytes() for file in portal.settings.pipelines.rglob("*") if file.is_file())
    assert b"Canaria" not in written
    assert b"p1@example.test" not in written
    assert "Canaria" not in caplog.text
