"""The clerks' day: changed addresses, merged and archived CRM contacts, deleted shop customers."""

from mailhouse.sandbox.company import crm, mailboxes
from mailhouse.sandbox.company.calendar import iso
from mailhouse.sandbox.company.day import Day
from mailhouse.sandbox.store import Row

SHARE_MOVED, SHARE_MERGED, SHARE_ARCHIVED, SHARE_DELETED = 0.0012, 0.0003, 0.0002, 0.00004


def move(day: Day) -> None:
    """Some people get another address and tell the shop, or the CRM, or both."""
    rng = day.stream("moves")
    for person in day.draw(rng, SHARE_MOVED):
        moment = day.moment(rng)
        customers = day.live("shopify.customer", day.town.record_ids(person, "shopify"))
        contacts = day.live("hubspot.contact", day.town.record_ids(person, "hubspot"))
        if not customers and not contacts:
            continue
        address = mailboxes.private_address(day.company, rng, person)
        person.former, person.private = person.private, address
        place = rng.choice(day.company.names.of(person.country).places)
        person.city, person.zip = place.city, place.zip
        for customer in customers[:1]:
            person.shop_email = address
            customer.body["email"] = address
            customer.body["defaultAddress"] |= {"city": place.city, "zip": place.zip}
            changed = customer.body["updatedAt"] = max(iso(moment), customer.body["updatedAt"])
            day.store.put("shopify.customer", Row(customer.id, customer.body, changed, customer.created_at, "", address))
            day.summary.shop_customers_changed += 1
        if contacts and (not customers or rng.random() < 0.4):
            properties = contacts[0].body["properties"]
            person.crm_email = properties["email"] = address
            properties |= {"city": place.city, "zip": place.zip}
            day.store.put("hubspot.contact", crm.touch(contacts[0].body, moment))
            day.summary.contacts_changed += 1
        day.town.changed[person.person_id] = person


def merge(day: Day) -> None:
    """A clerk notices contacts that are one person; the younger one vanishes into the older."""
    rng = day.stream("merges")
    known = [person for person in day.town.people if person.seen_from < day.start]
    twice = [person for person in known if len(day.town.record_ids(person, "hubspot")) > 1]
    rng.shuffle(twice)
    wanted = day.some(rng, SHARE_MERGED)
    for person in twice:
        if not wanted:
            return
        contacts = day.live("hubspot.contact", day.town.record_ids(person, "hubspot"))
        if len(contacts) < 2:
            continue
        winner, loser = contacts[0].body, contacts[1].body
        for name, value in loser["properties"].items():
            # HubSpot keeps the winner's values and fills its gaps
            if winner["properties"].get(name) is None and name not in ("hs_merged_object_ids", "hs_additional_emails"):
                winner["properties"][name] = value
        for former in (loser["properties"]["hs_merged_object_ids"] or "").split(";"):
            if former:
                crm.merge_in(winner, former, None)
        crm.merge_in(winner, loser["id"], loser["properties"]["email"])
        for address in (loser["properties"]["hs_additional_emails"] or "").split(";"):
            crm.add_address(winner, address)
        if loser["properties"]["hs_email_optout"] == "true":
            winner["properties"]["hs_email_optout"] = "true"
        day.store.put("hubspot.contact", crm.touch(winner, day.moment(rng)))
        day.store.delete("hubspot.contact", loser["id"])
        day.summary.contacts_merged += 1
        wanted -= 1


def archive(day: Day) -> None:
    """Some contacts go to the CRM's recycle bin."""
    rng = day.stream("archives")
    for person in day.draw(rng, SHARE_ARCHIVED):
        for contact in day.live("hubspot.contact", day.town.record_ids(person, "hubspot"))[:1]:
            moment = day.moment(rng)
            contact.body["archived"], contact.body["archivedAt"] = True, iso(moment)
            day.store.put("hubspot.contact", crm.touch(contact.body, moment))
            day.summary.contacts_archived += 1


def delete_customers(day: Day) -> None:
    """Now and then the shop deletes a customer; as in Shopify only one without orders, and never one of an orders file."""
    rng = day.stream("deletions")
    idle = [person for person in day.town.people if person.in_shop and not person.is_buyer and person.customer_ref is None]
    for person in rng.sample(idle, min(len(idle), day.some(rng, SHARE_DELETED))):
        for customer in day.live("shopify.customer", day.town.record_ids(person, "shopify")):
            if day.store.count("shopify.order", customer.id, deleted=None) == 0:
                day.store.delete("shopify.customer", customer.id)
                day.summary.shop_customers_deleted += 1
