"""Shopify's bulk operations: their life, their files, and what cannot be asked for in bulk."""

import json
import threading
import tracemalloc

RUN = "mutation ($q: String!) { bulkOperationRunQuery(query: $q) { bulkOperation { id status } userErrors { field message } } }"
POLL = """query ($id: ID!) { node(id: $id) { ... on BulkOperation {
  status errorCode url objectCount rootObjectCount fileSize completedAt
} } }"""
ORDERS = """{ orders { edges { node {
  id name totalPriceSet { shopMoney { amount } } refunds { id totalRefundedSet { shopMoney { amount } } }
  lineItems { edges { node { id sku discountedTotalSet { shopMoney { amount } } } } }
} } } }"""


def started(served, query=ORDERS):
    payload = served.data(RUN, q=query)["bulkOperationRunQuery"]
    assert payload["userErrors"] == []
    return payload["bulkOperation"]


def polled_to_the_end(served, identifier):
    states = []
    while True:
        operation = served.data(POLL, id=identifier)["node"]
        states.append(operation["status"])
        if operation["status"] not in ("CREATED", "RUNNING"):
            return states, operation


def lines_of(served, operation):
    text = served.http.get(operation["url"]).text
    return [json.loads(line) for line in text.splitlines()]


def test_an_operation_is_created_runs_and_completes(sandbox_server):
    sandbox_server.control("limits", {"shopify": {"bulk_polls": 2}})
    operation = started(sandbox_server)
    assert operation["status"] == "CREATED"
    states, operation = polled_to_the_end(sandbox_server, operation["id"])
    assert states[:2] == ["RUNNING", "RUNNING"]
    assert states[-1] == "COMPLETED"
    assert (operation["objectCount"], operation["rootObjectCount"], operation["errorCode"]) == ("27", "9", None)


def test_the_file_holds_parents_and_then_their_children(sandbox_server):
    _, operation = polled_to_the_end(sandbox_server, started(sandbox_server)["id"])
    lines = lines_of(sandbox_server, operation)
    assert len(lines) == 27
    assert int(operation["fileSize"]) == len(sandbox_server.http.get(operation["url"]).content)
    orders = [line for line in lines if "__parentId" not in line]
    assert [order["name"] for order in orders] == [f"#{number}" for number in range(1, 10)]
    assert orders[2]["refunds"] == [{"id": "gid://shopify/Refund/30", "totalRefundedSet": {"shopMoney": {"amount": "3.10"}}}]
    for at, order in enumerate(orders):
        children = lines[at * 3 + 1 : at * 3 + 3]
        assert [child["__parentId"] for child in children] == [order["id"]] * 2
        assert children[0]["discountedTotalSet"] == {"shopMoney": {"amount": "35.00"}}


def test_a_bulk_line_says_what_a_query_says(sandbox_server):
    selection = """id displayName tags numberOfOrders createdAt defaultAddress { city }
      consent: emailMarketingConsent { marketingState consentUpdatedAt }
      favourite: metafield(namespace: "custom", key: "favourite_category") { value }"""
    page = sandbox_server.data("{ customers(first: 9) { nodes {" + selection + "} } }")["customers"]["nodes"]
    _, operation = polled_to_the_end(sandbox_server, started(sandbox_server, "{ customers { nodes {" + selection + "} } }")["id"])
    assert lines_of(sandbox_server, operation) == page


def test_a_search_narrows_a_bulk_operation(sandbox_server):
    query = '{ customers(query: "id:>5") { edges { node { id orders { edges { node { id lineItems { nodes { id } } } } } } } } }'
    _, operation = polled_to_the_end(sandbox_server, started(sandbox_server, query)["id"])
    assert operation["rootObjectCount"] == "2"


def test_nothing_found_is_no_file(sandbox_server):
    query = '{ customers(query: "id:>500") { nodes { id } } }'
    _, operation = polled_to_the_end(sandbox_server, started(sandbox_server, query)["id"])
    assert (operation["status"], operation["url"], operation["objectCount"]) == ("COMPLETED", None, "0")


def refusal(served, query):
    payload = served.data(RUN, q=query)["bulkOperationRunQuery"]
    assert payload["bulkOperation"] is None
    return payload["userErrors"][0]["message"]


def test_what_bulk_cannot_do_is_a_user_error(sandbox_server):
    within_list = "{ orders { nodes { id refunds { id refundLineItems { nodes { quantity } } } } } }"
    assert "within a list" in refusal(sandbox_server, within_list)
    assert "exactly one" in refusal(sandbox_server, "{ orders { nodes { id } } customers { nodes { id } } }")
    assert "exactly one" in refusal(sandbox_server, "{ shop { name } }")
    assert "shoeSize" in refusal(sandbox_server, "{ customers { nodes { shoeSize } } }")


def test_no_more_operations_run_at_once_than_allowed(sandbox_server):
    sandbox_server.control("limits", {"shopify": {"bulk_concurrent": 1, "bulk_polls": 1000}})
    first = started(sandbox_server)
    assert first["id"] in refusal(sandbox_server, ORDERS)
    cancel = "mutation ($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } } }"
    assert sandbox_server.data(cancel, id=first["id"])["bulkOperationCancel"]["bulkOperation"]["status"] == "CANCELED"
    started(sandbox_server)
    assert sandbox_server.data("{ currentBulkOperation { status } }")["currentBulkOperation"]["status"] == "RUNNING"


def test_memory_does_not_grow_with_the_number_of_lines(sandbox_factory, small_order, company):
    """Ten times the orders must not need ten times the memory."""
    peaks = []
    for orders in (300, 3000):

        def fill(store, orders=orders):
            company(store)
            store.put_many("shopify.order", (small_order(number, 1, 5, lines=10) for number in range(100, 100 + orders)))

        served = sandbox_factory(fill)
        served.log_in_to_shopify()
        tracemalloc.start()
        _, operation = polled_to_the_end(served, started(served)["id"])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert int(operation["objectCount"]) == 27 + orders * 11
        with served.http.get(operation["url"], stream=True) as answer:
            assert sum(chunk.count(b"\n") for chunk in answer.iter_content(1 << 16)) == 27 + orders * 11
    assert peaks[1] < 2 * peaks[0]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("bulk-")]
