"""Shopify's manners: the token grant, connections, search, the cost bucket, merges and deletes."""

from datetime import timedelta

import pytest

CUSTOMERS = """
query ($first: Int!, $after: String, $query: String, $sortKey: CustomerSortKeys, $reverse: Boolean) {
  customers(first: $first, after: $after, query: $query, sortKey: $sortKey, reverse: $reverse) {
    nodes { id updatedAt }
    pageInfo { hasNextPage endCursor }
  }
}
"""
GRAPHQL = "/shopify/admin/api/2026-07/graphql.json"


def ids(connection):
    return [node["id"].rpartition("/")[2] for node in connection["nodes"]]


def everything(served, **variables):
    found, after = [], None
    while True:
        page = served.data(CUSTOMERS, after=after, **variables)["customers"]
        found += ids(page)
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def test_a_token_is_granted_for_the_apps_credentials_alone(sandbox_server):
    grant = {"grant_type": "client_credentials", **sandbox_server.runtime.secrets["shopify"]}
    answer = sandbox_server.http.post(sandbox_server.url + "/shopify/admin/oauth/access_token", data=grant)
    assert answer.json()["expires_in"] == 86_399
    wrong = sandbox_server.call("POST", "/shopify/admin/oauth/access_token", {**grant, "client_secret": "wrong"})
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    other = sandbox_server.call("POST", "/shopify/admin/oauth/access_token", {**grant, "grant_type": "password"})
    assert other.status_code == 400


def test_a_token_dies_after_a_day_of_the_companys_clock(sandbox_server):
    sandbox_server.data("{ customersCount { count } }")
    sandbox_server.store.set_now(sandbox_server.store.now() + timedelta(hours=24))
    answer = sandbox_server.call("POST", GRAPHQL, {"query": "{ customersCount { count } }"})
    assert (answer.status_code, list(answer.json())) == (401, ["errors"])


def test_a_token_can_be_made_to_die_in_the_middle(sandbox_server):
    sandbox_server.control("limits", {"shopify": {"token_calls": 2}})
    sandbox_server.log_in_to_shopify()
    statuses = [sandbox_server.call("POST", GRAPHQL, {"query": "{ shop { name } }"}).status_code for _ in range(3)]
    assert statuses == [200, 200, 401]


@pytest.mark.parametrize("sort_key", ["ID", "UPDATED_AT", "CREATED_AT"])
@pytest.mark.parametrize("reverse", [False, True])
def test_pages_together_hold_every_customer_once(sandbox_server, sort_key, reverse):
    found = everything(sandbox_server, first=3, sortKey=sort_key, reverse=reverse)
    expected = [str(number) for number in range(1, 8)]
    assert found == (expected[::-1] if reverse else expected)


def test_search_takes_a_window_of_time(sandbox_server):
    moment = sandbox_server.store.now()
    start, end = (f"{moment - timedelta(minutes=ago):%Y-%m-%dT%H:%M:%SZ}" for ago in (48, 45))
    assert everything(sandbox_server, first=2, query=f"updated_at:>='{start}' updated_at:<'{end}'") == ["2", "3", "4"]
    assert everything(sandbox_server, first=2, query=f"updated_at:>'{start}' AND updated_at:<='{end}'") == ["3", "4", "5"]
    counted = sandbox_server.data(
        "query ($q: String) { customersCount(query: $q) { count precision } }", q=f"updated_at:>='{start}'"
    )
    assert counted["customersCount"] == {"count": 6, "precision": "EXACT"}


def test_an_unknown_search_field_does_not_narrow_and_is_told(sandbox_server):
    answer = sandbox_server.graphql(CUSTOMERS, first=9, query="shoe_size:44")
    assert len(answer["data"]["customers"]["nodes"]) == 7
    assert answer["extensions"]["search"][0]["warnings"][0]["field"] == "shoe_size"


def test_a_connection_needs_a_size_of_at_most_250(sandbox_server):
    for query in ("{ customers { nodes { id } } }", "{ customers(first: 251) { nodes { id } } }"):
        assert sandbox_server.graphql(query)["errors"]


ORDER = """
query ($id: ID!, $first: Int!, $after: String) {
  order(id: $id) {
    totalPriceSet { shopMoney { amount currencyCode } }
    currentTotalPriceSet { shopMoney { amount } }
    totalRefundedSet { shopMoney { amount } }
    totalDiscountsSet { shopMoney { amount } }
    customer { id email }
    lineItems(first: $first, after: $after) {
      nodes { id sku quantity currentQuantity discountedTotalSet { shopMoney { amount } } variant { id price product { title } } }
      pageInfo { hasNextPage endCursor }
    }
    refunds { id createdAt refundLineItems(first: 5) { nodes { quantity lineItem { id } subtotalSet { shopMoney { amount } } } } }
  }
}
"""


def test_an_orders_totals_are_the_sums_of_its_lines(sandbox_server):
    order = sandbox_server.data(ORDER, id="gid://shopify/Order/3", first=5)["order"]
    assert order["totalPriceSet"]["shopMoney"] == {"amount": "70.00", "currencyCode": "EUR"}
    assert order["totalRefundedSet"]["shopMoney"]["amount"] == "3.10"
    assert order["currentTotalPriceSet"]["shopMoney"]["amount"] == "66.90"
    assert order["totalDiscountsSet"]["shopMoney"]["amount"] == "3.80"
    assert order["customer"]["id"] == "gid://shopify/Customer/1"
    line = order["lineItems"]["nodes"][0]
    assert (line["quantity"], line["currentQuantity"]) == (3, 2)
    assert line["discountedTotalSet"]["shopMoney"]["amount"] == "35.00"
    assert line["variant"]["product"]["title"] == "Thing"
    (returned,) = order["refunds"][0]["refundLineItems"]["nodes"]
    assert (returned["lineItem"]["id"], returned["subtotalSet"]["shopMoney"]["amount"]) == (line["id"], "3.10")


def test_a_nested_connection_is_cut_and_can_be_drained(sandbox_server, small_order):
    sandbox_server.store.put("shopify.order", small_order(50, 1, 5, lines=7))
    found, after = [], None
    while True:
        lines = sandbox_server.data(ORDER, id="gid://shopify/Order/50", first=3, after=after)["order"]["lineItems"]
        found += ids(lines)
        if not lines["pageInfo"]["hasNextPage"]:
            break
        after = lines["pageInfo"]["endCursor"]
    assert found == [str(50_000 + at) for at in range(7)]


def test_objects_can_be_had_by_their_global_ids(sandbox_server):
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Order { name } ... on Customer { email } } }"
    wanted = ["gid://shopify/Order/2", "gid://shopify/Customer/99", "gid://shopify/Customer/2"]
    order, nobody, customer = sandbox_server.data(query, ids=wanted)["nodes"]
    assert (order["name"], nobody, customer["email"]) == ("#2", None, "customer2@example.org")


def test_a_field_that_does_not_exist_is_an_error_without_data(sandbox_server):
    answer = sandbox_server.graphql("{ customers(first: 1) { nodes { shoeSize } } }")
    assert "shoeSize" in answer["errors"][0]["message"]
    assert "data" not in answer


def test_an_empty_bucket_throttles_with_status_200_and_no_data(sandbox_server):
    sandbox_server.control("limits", {"shopify": {"bucket": 20, "restored_per_second": 0.001}})
    query = "{ customers(first: 7) { nodes { id defaultAddress { city } } } }"
    first = sandbox_server.graphql(query)
    assert first["extensions"]["cost"]["requestedQueryCost"] == 16
    assert first["extensions"]["cost"]["actualQueryCost"] == 16
    second = sandbox_server.graphql(query)
    assert second["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert "data" not in second
    status = second["extensions"]["cost"]["throttleStatus"]
    assert (status["maximumAvailable"], status["currentlyAvailable"], status["restoreRate"]) == (20.0, 4, 0.001)


def test_what_was_asked_for_and_not_found_is_given_back(sandbox_server):
    sandbox_server.control("limits", {"shopify": {"bucket": 300, "restored_per_second": 0.001}})
    for _ in range(3):
        answer = sandbox_server.graphql("{ customers(first: 250) { nodes { id } } }")
        assert answer["extensions"]["cost"]["requestedQueryCost"] == 252
        assert answer["extensions"]["cost"]["actualQueryCost"] == 9


def test_a_throttled_call_may_be_made_to_answer_429(sandbox_server):
    sandbox_server.log_in_to_shopify()
    sandbox_server.control("limits", {"shopify": {"bucket": 1, "throttle_status": 429}})
    answer = sandbox_server.call("POST", GRAPHQL, {"query": "{ customers(first: 7) { nodes { id } } }"})
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (429, "Throttled")


def test_a_query_beyond_the_maximum_cost_is_never_run(sandbox_server):
    answer = sandbox_server.graphql("{ orders(first: 250) { nodes { id lineItems(first: 250) { nodes { id } } } } }")
    assert answer["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


def test_a_customer_without_orders_can_be_deleted_for_good(sandbox_server):
    mutation = "mutation ($id: ID!) { customerDelete(input: {id: $id}) { deletedCustomerId userErrors { message } } }"
    gone = sandbox_server.data(mutation, id="gid://shopify/Customer/7")["customerDelete"]
    assert gone == {"deletedCustomerId": "gid://shopify/Customer/7", "userErrors": []}
    kept = sandbox_server.data(mutation, id="gid://shopify/Customer/1")["customerDelete"]
    assert kept["deletedCustomerId"] is None
    assert kept["userErrors"]
    assert everything(sandbox_server, first=9) == ["1", "2", "3", "4", "5", "6"]
    assert sandbox_server.calls()["writes"] == 2


def test_a_merge_carries_the_orders_over_and_leaves_no_trace_of_the_other(sandbox_server):
    mutation = """mutation ($one: ID!, $two: ID!) {
      customerMerge(customerOneId: $one, customerTwoId: $two) { resultingCustomerId userErrors { message } }
    }"""
    merged = sandbox_server.data(mutation, one="gid://shopify/Customer/1", two="gid://shopify/Customer/2")["customerMerge"]
    assert merged == {"resultingCustomerId": "gid://shopify/Customer/1", "userErrors": []}
    query = 'query { customer(id: "gid://shopify/Customer/1") { numberOfOrders orders(first: 9) { nodes { id } } } }'
    customer = sandbox_server.data(query)["customer"]
    assert customer["numberOfOrders"] == "6"
    assert ids(customer["orders"]) == ["1", "3", "4", "6", "7", "9"]
    assert "2" not in everything(sandbox_server, first=9)
    assert sandbox_server.data("{ ordersCount { count } }")["ordersCount"]["count"] == 9
