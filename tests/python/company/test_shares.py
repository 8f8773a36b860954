"""What makes the company worth testing with: how much of each difficulty it has."""

from collections import Counter, defaultdict

import consent_rules
import identity_rules
import pytest

from mailhouse.contact_points import normalise_email


@pytest.fixture(scope="module", params=["seeded_5000", "seeded_1500"])
def seeded(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def person_of(seeded):
    return {(source, record): person for source, record, person, _ in seeded.truth()}


@pytest.fixture(scope="module")
def records(seeded):
    return identity_rules.records(seeded)


def test_truth_knows_every_record_and_only_those(records, person_of):
    assert {record.key for record in records} == set(person_of)


def test_three_in_ten_people_are_in_two_systems(seeded, person_of):
    systems = defaultdict(set)
    for (source, _), person in person_of.items():
        systems[person].add(source)
    assert sum(len(found) >= 2 for found in systems.values()) / seeded.summary.people >= 0.30
    assert {len(found) for found in systems.values()} == {1, 2, 3}


def test_four_in_ten_links_have_no_equal_address(records, person_of):
    email = {record.key: record.email for record in records}
    true = identity_rules.pairs(person_of)
    without = sum(not email[one] or email[one] != email[other] for one, other in true)
    assert 0.40 <= without / len(true) <= 0.75


def test_different_people_share_mailboxes(records, person_of):
    users = defaultdict(set)
    for record in records:
        if record.email:
            users[record.email].add(person_of[record.key])
    assert sum(len(found) > 1 for found in users.values()) / len(users) >= 0.03


def test_identity_is_mostly_recoverable_and_hardly_ever_wrong(records, person_of):
    true = identity_rules.pairs(person_of)
    found = identity_rules.clusters(records)
    believed = identity_rules.pairs(found)
    assert len(true & believed) / len(true) >= 0.80
    assert len(true - believed) / len(true) >= 0.03  # something is left for probabilistic matching
    assert len(true & believed) / len(believed) >= 0.99


def test_namesakes_exist_and_have_phones_of_their_own(seeded, records, person_of):
    phones = defaultdict(lambda: defaultdict(set))
    for record in records:
        if record.given and record.family and record.phone:
            phones[record.given, record.family][person_of[record.key]].add(record.phone)
    namesakes = [found for found in phones.values() if len(found) > 1]
    assert len(namesakes) >= seeded.summary.people / 250
    for found in namesakes:
        everyone = [phone for numbers in found.values() for phone in numbers]
        assert len(everyone) == len(set(everyone))


def test_four_in_ten_people_may_be_mailed_and_the_rest_for_many_reasons(seeded, person_of):
    boxes = consent_rules.mailboxes(seeded)
    refused = {address: consent_rules.refusal(box, seeded.summary.now) for address, box in boxes.items()}
    mailable, reasons = set(), Counter(refused.values())
    people = set(person_of.values())
    addressed = set()
    for record in identity_rules.records(seeded):
        form = normalise_email(record.email)
        if form.is_valid:
            addressed.add(person_of[record.key])
            if refused[form.wide] is None:
                mailable.add(person_of[record.key])
    assert 0.40 <= len(mailable) / len(people) <= 0.85
    for reason in ("hard_bounce", "complaint", "withdrawn", "no_confirmation", "no_consent"):
        assert reasons[reason] >= 5, reason
    assert people - addressed, "somebody without any address"


def test_mailable_people_are_on_the_list_and_off_it(seeded):
    boxes = consent_rules.mailboxes(seeded)
    mailable = {address for address, box in boxes.items() if consent_rules.refusal(box, seeded.summary.now) is None}
    on_list = {normalise_email(row.body["email_address"]).wide for row in seeded.rows("mailchimp.member")}
    assert len(mailable & on_list) >= 100
    assert len(mailable - on_list) >= 100


def test_the_systems_contradict_each_other(seeded):
    """The CRM says yes while the person left the list later, and some came back through the shop after that."""
    left = {
        row.body["email_address"].lower(): row.body["last_changed"]
        for row in seeded.rows("mailchimp.member")
        if row.body["status"] == "unsubscribed"
    }
    says_yes = [
        row
        for row in seeded.rows("hubspot.contact")
        if (row.body["properties"]["newsletter_consent_at"] or "~")
        < left.get((row.body["properties"]["email"] or "").lower(), "")
    ]
    came_back = [
        row
        for row in seeded.rows("shopify.customer")
        if row.body["emailMarketingConsent"]["marketingState"] == "SUBSCRIBED"
        and row.body["emailMarketingConsent"]["consentUpdatedAt"] > left.get((row.body["email"] or "").lower(), "~")
    ]
    assert len(says_yes) >= 10
    assert len(came_back) >= 5


def test_vendors_words_and_uniqueness_hold(seeded):
    """Each vendor knows an address once, and every list status and consent state occurs."""
    for kind in ("hubspot.contact", "shopify.customer", "mailchimp.member"):
        addresses = [row.email for row in seeded.rows(kind) if row.email]
        assert len(addresses) == len(set(addresses)), kind
    statuses = {row.body["status"] for row in seeded.rows("mailchimp.member")}
    assert statuses >= {"subscribed", "unsubscribed", "cleaned", "pending", "transactional"}
    states = {row.body["emailMarketingConsent"]["marketingState"] for row in seeded.rows("shopify.customer")}
    assert states == {"SUBSCRIBED", "UNSUBSCRIBED", "NOT_SUBSCRIBED", "PENDING"}
    contacts = seeded.rows("hubspot.contact")
    assert any(row.deleted and row.body["archived"] and row.body["archivedAt"] for row in contacts)
    live = {row.id for row in contacts}
    merged = [
        row.body["properties"]["hs_merged_object_ids"] for row in contacts if row.body["properties"]["hs_merged_object_ids"]
    ]
    assert merged and not live & {one for ids in merged for one in ids.split(";")}
