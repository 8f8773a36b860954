"""Whatever the vendor or the line does, a sync ends in step, or says why not."""

import pytest

BATCH = "/lists/list1?"


@pytest.fixture
def filled(world):
    world.people(range(40))
    world.segment("newsletter", range(40))
    return world


@pytest.mark.parametrize(
    "fault", ["429", "500", "bodyless_403", "html200", "garbage", "truncated", "timeout_after_apply", "reset"]
)
def test_one_fault_on_a_batch_changes_nothing_in_the_end(filled, esp, fault):
    esp.faults({"method": "POST", "path_contains": BATCH, "do": fault})
    result = filled.sync()
    assert result.ok, result.problems
    assert len(esp.tag("NEWSLETTER")) == 40
    assert filled.delivered("NEWSLETTER") == esp.tag("NEWSLETTER")
    assert filled.count("in_flight") == 0
    assert filled.plan().is_empty


@pytest.mark.parametrize("fault", ["429", "500", "html200", "truncated", "timeout_after_apply", "reset"])
def test_one_fault_on_a_removal_changes_nothing_in_the_end(filled, esp, fault):
    filled.sync()
    filled.members("newsletter", range(30))
    esp.faults({"method": "POST", "path_contains": f"/segments/{esp.tag_id('NEWSLETTER')}", "do": fault})
    assert filled.sync().ok
    assert len(esp.tag("NEWSLETTER")) == 30
    assert filled.delivered("NEWSLETTER") == esp.tag("NEWSLETTER")


def test_a_batch_that_was_taken_before_the_line_broke_is_not_sent_again(filled, esp):
    filled.sync()
    esp.writes()
    filled.rename(3, "New")
    esp.faults({"method": "POST", "path_contains": BATCH, "do": "timeout_after_apply"})
    assert filled.sync().ok
    assert esp.writes() == {"batch": 1}


def test_a_vendor_that_always_slows_us_down_is_given_up_and_owed_to_the_next_run(filled, esp):
    esp.faults({"method": "POST", "path_contains": BATCH, "do": "429", "times": None})
    result = filled.sync()
    assert not result.ok
    assert "asks us to slow down (429)" in result.problems[0]
    assert esp.writes()["batch"] == 6
    assert filled.count("in_flight") == 0
    esp.faults()
    assert filled.sync().ok
    assert len(esp.tag("NEWSLETTER")) == 40


def test_a_batch_nobody_can_say_anything_about_stays_in_doubt_and_is_settled_by_the_next_run(filled, esp):
    esp.faults(
        {"method": "POST", "path_contains": BATCH, "do": "timeout_after_apply"},
        {"method": "GET", "path_contains": "/members/", "do": "500", "times": None},
    )
    result = filled.sync()
    assert not result.ok
    assert filled.count("in_flight") > 0
    assert filled.delivered("NEWSLETTER") == set()
    esp.faults()
    filled.later(minutes=5)
    # five of them say no before the next run: they may be there, so they are taken away
    for number in range(5):
        filled.decide(number, "deny", "withdrawn")
    assert filled.sync().ok
    assert len(esp.tag("NEWSLETTER")) == 35
    assert filled.delivered("NEWSLETTER") == esp.tag("NEWSLETTER")
    assert filled.count("in_flight") == 0


def test_a_rejected_key_stops_at_the_first_call(filled, esp):
    from dataclasses import replace

    from mailhouse import sync

    context = filled.context
    wrong = replace(filled.connection, sandbox_secrets={"api_key": "wrong-key"})
    settings = replace(context.settings, connections={"mailchimp": wrong})
    result = sync.sync(replace(context, settings=settings), filled.plan())
    assert not result.ok
    assert "credentials are not accepted (401)" in result.problems[0]
    assert "wrong-key" not in result.problems[0]
    assert esp.control("GET", "/calls")["total"] == 1


def test_a_vendor_that_is_not_there_is_named(filled):
    from dataclasses import replace

    from mailhouse import sync

    context = filled.context
    gone = replace(filled.connection, url="http://127.0.0.1:9/mailchimp")
    settings = replace(context.settings, connections={"mailchimp": gone})
    result = sync.sync(replace(context, settings=settings), filled.plan())
    assert not result.ok
    assert "does not accept connections" in result.problems[0]
