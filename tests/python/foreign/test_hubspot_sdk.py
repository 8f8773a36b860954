"""HubSpot's own Python client, pointed at the sandbox, finds what it expects there."""

import pytest
from hubspot import HubSpot
from hubspot.crm.contacts import (
    ApiException,
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchReadInputSimplePublicObjectId,
    PublicObjectSearchRequest,
    SimplePublicObjectBatchInputUpsert,
    SimplePublicObjectId,
)
from hubspot.crm.lists import ListCreateRequest, ListSearchRequest, MembershipChangeRequest
from hubspot.crm.properties import PropertyCreate


@pytest.fixture
def hubspot(sandbox_server):
    return HubSpot(access_token=sandbox_server.runtime.secrets["hubspot"]["token"], host=f"{sandbox_server.url}/hubspot")


def upsert(*rows):
    inputs = [
        SimplePublicObjectBatchInputUpsert(id=email, id_property="email", object_write_trace_id=str(number), properties=given)
        for number, (email, given) in enumerate(rows)
    ]
    return BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs)


def test_it_pages_and_searches_contacts(hubspot):
    contacts = hubspot.crm.contacts.basic_api
    first = contacts.get_page(limit=5, properties=["email"])
    assert len(first.results) == 5
    second = contacts.get_page(limit=5, after=first.paging.next.after)
    assert {one.id for one in first.results}.isdisjoint(one.id for one in second.results)
    asked = PublicObjectSearchRequest(
        filter_groups=[{"filters": [{"propertyName": "email", "operator": "EQ", "value": "contact1@example.org"}]}], limit=10
    )
    found = hubspot.crm.contacts.search_api.do_search(public_object_search_request=asked)
    assert [one.id for one in found.results] == ["1"]


def test_it_upserts_a_batch_and_is_told_of_each_row(hubspot):
    batch = hubspot.crm.contacts.batch_api
    rows = (("contact1@example.org", {"loyalty_tier": "gold"}), ("new@example.org", {}), ("no address", {}))
    answer = batch.upsert(batch_input_simple_public_object_batch_input_upsert=upsert(*rows))
    assert [(one.id == "1", one.new, one.object_write_trace_id) for one in answer.results] == [
        (True, False, "0"),
        (False, True, "1"),
    ]
    assert answer.num_errors == 1
    assert answer.errors[0].context == {"objectWriteTraceId": ["2"]}
    read = BatchReadInputSimplePublicObjectId(
        id_property="email",
        properties=["loyalty_tier"],
        properties_with_history=[],
        inputs=[SimplePublicObjectId("contact1@example.org")],
    )
    (one,) = batch.read(batch_read_input_simple_public_object_id=read).results
    assert one.properties["loyalty_tier"] == "gold"


def test_a_batch_of_more_than_a_hundred_is_refused(hubspot):
    batch = hubspot.crm.contacts.batch_api
    rows = [(f"p{number}@example.org", {}) for number in range(101)]
    with pytest.raises(ApiException) as refused:
        batch.upsert(batch_input_simple_public_object_batch_input_upsert=upsert(*rows))
    assert refused.value.status == 400


def test_it_makes_a_list_and_moves_its_members(hubspot):
    lists = hubspot.crm.lists.lists_api
    made = lists.create(list_create_request=ListCreateRequest(object_type_id="0-1", processing_type="MANUAL", name="Best")).list
    members = hubspot.crm.lists.memberships_api
    answer = members.add(list_id=made.list_id, request_body=["1", "2", "999"])
    assert (answer.records_ids_added, answer.record_ids_missing) == (["1", "2"], ["999"])
    change = MembershipChangeRequest(record_ids_to_add=["3"], record_ids_to_remove=["1"])
    answer = members.add_and_remove(list_id=made.list_id, membership_change_request=change)
    assert (answer.records_ids_added, answer.record_ids_removed) == (["3"], ["1"])
    page = members.get_page(list_id=made.list_id)
    assert {one.record_id for one in page.results} == {"2", "3"}
    assert lists.get_by_name(list_name="Best", object_type_id="0-1").list.size == 2
    found = lists.do_search(list_search_request=ListSearchRequest(query="be", additional_properties=[], offset=0))
    assert [one.name for one in found.lists] == ["Best"]


def test_it_makes_a_property_once(hubspot):
    properties = hubspot.crm.properties.core_api
    asked = PropertyCreate(name="tier", label="Tier", group_name="contactinformation", type="string", field_type="text")
    assert properties.create(object_type="contacts", property_create=asked).name == "tier"
    assert "tier" in {one.name for one in properties.get_all(object_type="contacts").results}
    with pytest.raises(Exception, match="409"):
        properties.create(object_type="contacts", property_create=asked)


def test_it_gets_and_renews_a_token(hubspot, sandbox_server):
    own = sandbox_server.runtime.secrets["hubspot"]
    asked = {"client_id": own["client_id"], "redirect_uri": "http://localhost:1/callback", "scope": "oauth tickets", "state": "s"}
    page = sandbox_server.call("GET", "/hubspot/oauth/authorize", params=asked, allow_redirects=False)
    code = page.headers["Location"].partition("code=")[2].partition("&")[0]
    tokens = hubspot.oauth.tokens_api
    client = {"client_id": own["client_id"], "client_secret": own["client_secret"]}
    first = tokens.create(grant_type="authorization_code", code=code, redirect_uri=asked["redirect_uri"], **client)
    second = tokens.create(grant_type="refresh_token", refresh_token=first.refresh_token, **client)
    assert second.access_token != first.access_token
    assert second.refresh_token != first.refresh_token
    renewed = HubSpot(access_token=second.access_token, host=f"{sandbox_server.url}/hubspot")
    assert renewed.crm.contacts.basic_api.get_page(limit=1).results
    # with its use the one before is over
    with pytest.raises(Exception, match="400"):
        tokens.create(grant_type="refresh_token", refresh_token=first.refresh_token, **client)
