"""Shopify's consent: an app may write what a customer said of marketing mail, and when."""

from datetime import timedelta

import pytest

from mailhouse.sandbox.store import stamp

UPDATE = """
mutation ($input: CustomerEmailMarketingConsentUpdateInput!) {
  customerEmailMarketingConsentUpdate(input: $input) {
    customer { id updatedAt emailMarketingConsent { marketingState marketingOptInLevel consentUpdatedAt } }
    userErrors { field message code }
  }
}
"""


def consent(served, number, **said):
    given = {"customerId": f"gid://shopify/Customer/{number}", "emailMarketingConsent": said}
    return served.data(UPDATE, input=given)["customerEmailMarketingConsentUpdate"]


def test_a_refusal_is_kept_with_its_own_time(sandbox_server):
    moment = sandbox_server.store.now() - timedelta(days=2)
    answer = consent(sandbox_server, 2, marketingState="UNSUBSCRIBED", consentUpdatedAt=stamp(moment))
    assert answer["userErrors"] == []
    assert answer["customer"]["emailMarketingConsent"] == {
        "marketingState": "UNSUBSCRIBED",
        "marketingOptInLevel": "CONFIRMED_OPT_IN",
        "consentUpdatedAt": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
    }
    assert answer["customer"]["updatedAt"] == f"{sandbox_server.store.now():%Y-%m-%dT%H:%M:%SZ}"


def test_without_a_time_it_is_of_now(sandbox_server):
    answer = consent(sandbox_server, 2, marketingState="UNSUBSCRIBED")
    now = f"{sandbox_server.store.now():%Y-%m-%dT%H:%M:%SZ}"
    assert answer["customer"]["emailMarketingConsent"]["consentUpdatedAt"] == now


@pytest.mark.parametrize(
    ("number", "said", "code"),
    [
        (99, {"marketingState": "UNSUBSCRIBED"}, "INVALID"),
        (2, {"marketingState": "REDACTED"}, "INCLUSION"),
        (2, {"marketingState": "UNSUBSCRIBED", "consentUpdatedAt": "2030-01-01T00:00:00Z"}, "INVALID"),
        (2, {"marketingState": "UNSUBSCRIBED", "consentUpdatedAt": "yesterday"}, "INVALID"),
    ],
)
def test_what_cannot_be_is_refused_in_the_answer(sandbox_server, number, said, code):
    answer = consent(sandbox_server, number, **said)
    assert answer["customer"] is None
    assert [error["code"] for error in answer["userErrors"]] == [code]
    assert sandbox_server.store.get("shopify.customer", "2").body["emailMarketingConsent"]["marketingState"] == "SUBSCRIBED"


def test_a_customer_without_an_address_has_no_consent_to_write(sandbox_server):
    row = sandbox_server.store.get("shopify.customer", "2")
    row.body["email"] = None
    sandbox_server.store.put("shopify.customer", row)
    assert consent(sandbox_server, 2, marketingState="UNSUBSCRIBED")["userErrors"][0]["field"] == ["input", "customerId"]


def test_each_alias_of_a_mutation_costs_ten_points(sandbox_server):
    sandbox_server.control("limits", {"shopify": {"bucket": 35, "restored_per_second": 0.001}})
    one = 'c%d: customerEmailMarketingConsentUpdate(input: {customerId: "gid://shopify/Customer/%d",'
    one += " emailMarketingConsent: {marketingState: UNSUBSCRIBED}}) { userErrors { message } }"
    three = "mutation { " + " ".join(one % (number, number) for number in (1, 2, 3)) + " }"
    answer = sandbox_server.graphql(three)
    assert [answer["data"][f"c{number}"]["userErrors"] for number in (1, 2, 3)] == [[], [], []]
    assert answer["extensions"]["cost"]["actualQueryCost"] == 30
    assert sandbox_server.graphql(three)["errors"][0]["extensions"]["code"] == "THROTTLED"
    (call,) = [call for call in sandbox_server.calls()["calls"] if call["writes"]]
    assert (call["operation"], call["calls"]) == ("customerEmailMarketingConsentUpdate", 2)
