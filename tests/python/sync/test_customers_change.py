"""Customers merge, part and are called otherwise: the plan repairs what that changed, and sends nothing else."""

from mailhouse.destinations.mailchimp.wire import key_of
from tests.python.sync.conftest import World, customer


def key(number: int) -> str:
    return key_of(f"person{number}@example.test")


def call(world: World, number: int, name: str) -> None:
    """The person behind this mailbox is now that customer."""
    mailbox = f"person{number}@example.test"
    world.warehouse.execute("update profiles.mailchimp_profiles set customer_id = ? where mailbox = ?", [name, mailbox])


def merge(world: World, number: int) -> None:
    """This person turns out to be person 0, who keeps the id and goes by the other's address no more."""
    world.warehouse.execute("delete from profiles.mailchimp_profiles where customer_id = ?", [customer(number)])


def changes(plan) -> dict[str, tuple[list[str], list[str]]]:
    every = (change for changes in plan.changes.values() for change in changes)
    return {change.key: (list(change.add), list(change.remove)) for change in every}


def test_another_id_for_the_same_mailbox_sends_nothing(world, esp):
    world.people(range(3))
    world.segment("newsletter", range(3))
    world.sync()
    call(world, 1, "called anew")
    world.members("newsletter", [customer(0), "called anew", customer(2)])
    assert world.plan().is_empty
    assert esp.tag("NEWSLETTER") == {key(0), key(1), key(2)}


def test_a_merge_takes_back_the_other_address_and_touches_nobody_else(world, esp):
    world.people(range(3))
    world.segment("newsletter", range(3))
    world.sync()
    merge(world, 1)
    world.members("newsletter", [customer(0), customer(2)])
    assert changes(world.plan()) == {key(1): ([], ["NEWSLETTER"])}
    world.sync()
    assert esp.tag("NEWSLETTER") == {key(0), key(2)}


def test_taking_apart_gives_back_who_may_be_written_to_and_withholds_who_said_no(world, esp):
    world.people(range(2))
    world.segment("newsletter", range(1))
    world.sync()
    # person 0 was three persons: one may be written to, and one inherits the no that was said while they were one
    world.people(range(2, 4))
    call(world, 2, "split off")
    call(world, 3, "split off too")
    world.decide(3, "deny", "unsubscribed")
    world.members("newsletter", [customer(0), "split off", "split off too"])
    plan = world.plan()
    assert changes(plan) == {key(2): (["NEWSLETTER"], [])}
    assert plan.refused() == {"unsubscribed": 1}
    world.sync()
    assert esp.tag("NEWSLETTER") == {key(0), key(2)}


def test_a_no_that_is_inherited_takes_off_whom_it_reaches(world, esp):
    world.people(range(2))
    world.segment("newsletter", range(2))
    world.sync()
    call(world, 1, "split off")
    world.decide(1, "deny", "unsubscribed")
    world.members("newsletter", [customer(0), "split off"])
    assert changes(world.plan()) == {key(1): ([], ["NEWSLETTER"])}
    world.sync()
    assert esp.tag("NEWSLETTER") == {key(0)}
