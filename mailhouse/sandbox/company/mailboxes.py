"""Which address a person has in which system: changed, plus-tagged, missing, or shared with a household or a colleague."""

from random import Random

from mailhouse.sandbox.company.names import slug
from mailhouse.sandbox.company.people import Person
from mailhouse.sandbox.company.state import Company

# names reserved for examples: nobody can be reached there
PROVIDERS = ("postbox.example", "inbox.example", "webmail.example", "quickmail.example", "mail.example.org", "home.example.net")
ORDINARY_TAGS = ("shop", "news", "newsletter", "orders", "deals")
SHARE_OF_SHARED = 0.125  # of the people live behind a mailbox that someone else uses as well
SHARE_SPLIT = 0.68  # of those in both systems gave the CRM another address than the shop


def _free(company: Company, local: str, domain: str) -> str:
    """The address, with a number when someone has it; it is taken from then on."""
    address, suffix = f"{local}@{domain}", 1
    while address in company.taken:
        suffix += 1
        address = f"{local}{suffix}@{domain}"
    company.taken.add(address)
    return address


def private_address(company: Company, rng: Random, person: Person) -> str:
    """A new address of the person's own at one of the mail providers."""
    given, family = slug(person.given), slug(person.family)
    form = rng.randrange(6)
    local = (f"{given}.{family}", f"{given}{family}", f"{given[0]}.{family}", f"{family}.{given}", f"{given}_{family}", "")[form]
    if not local or rng.random() < 0.35:
        local = f"{local or given}{rng.randint(1, 99)}"
    return _free(company, local, rng.choice(PROVIDERS))


def work_address(company: Company, person: Person) -> str | None:
    """An address at the person's employer."""
    if person.firm is None:
        return None
    return _free(company, f"{slug(person.given)}.{slug(person.family)}", f"{slug(person.firm)[:24]}.example")


def plus_tagged(company: Company, rng: Random, address: str) -> str:
    """The same mailbox under a tag; the rules of consent take it for another one."""
    local, domain = address.split("@", 1)
    return _free(company, f"{local}+{rng.choice(ORDINARY_TAGS)}", domain)


def assign(company: Company, people: list[Person]) -> None:
    """Gives everyone their addresses, and some a mailbox in common."""
    rng = company.stream("mailboxes")
    for person in people:
        give_addresses(company, rng, person)
    _share(company, company.stream("shared mailboxes"), people)


def give_addresses(company: Company, rng: Random, person: Person) -> None:
    """The person's own addresses and which of them each system knows."""
    person.private = private_address(company, rng, person)
    person.work = work_address(company, person)
    if rng.random() < 0.25:
        person.former = private_address(company, rng, person)
    if person.in_shop:
        person.shop_email = person.private
    if person.in_crm:
        person.crm_email = _crm_address(company, rng, person)
    elif not person.in_shop:
        person.list_email = person.private
    if person.list_email is None:
        known = [person.shop_email, person.crm_email] if rng.random() < 0.8 else [person.crm_email, person.shop_email]
        address = next((known_address for known_address in known if known_address), person.private)
        if rng.random() < 0.055:
            address = person.former or plus_tagged(company, rng, person.private)
        person.list_email = address


def _crm_address(company: Company, rng: Random, person: Person) -> str | None:
    if rng.random() < 0.05:
        return None
    if not person.in_shop:
        return person.work if person.work and rng.random() < 0.4 else person.private
    if rng.random() >= SHARE_SPLIT:
        return person.private
    if person.work and rng.random() < 0.75:
        return person.work
    if person.former and rng.random() < 0.7:
        return person.former
    if rng.random() < 0.35:
        return plus_tagged(company, rng, person.private)
    return private_address(company, rng, person)


def _share(company: Company, rng: Random, people: list[Person]) -> None:
    """Pairs a CRM contact with a shop customer of another name behind one address.

    Each vendor allows an address once, so the two are never in the same system under it. With an orders file at most
    one of them has bought: two of its customers must never be linked.
    """
    hosts = [person for person in people if person.in_shop]
    guests = [person for person in people if person.in_crm and not (company.from_orders_file and person.is_buyer)]
    rng.shuffle(hosts)
    rng.shuffle(guests)
    wanted = round(len(people) * SHARE_OF_SHARED / 2)
    while wanted and hosts and guests:
        host, guest = hosts.pop(), guests.pop()
        if host is guest or host.shares_mailbox or guest.shares_mailbox:
            continue
        _move_in(company, rng, host, guest)
        wanted -= 1


def _move_in(company: Company, rng: Random, host: Person, guest: Person) -> None:
    pool = company.names.of(host.country)
    if guest.country != host.country:
        guest.country, guest.language = host.country, host.language
        guest.phone = company.phones.next(guest.country) if guest.phone else None
    # clearly different given names: one rule of identity is that names tell a shared mailbox
    while guest.given[:1] == host.given[:1]:
        guest.given = pool.given_name(rng)
    if rng.random() < 0.7:
        guest.street, guest.city, guest.zip = host.street, host.city, host.zip
        if rng.random() < 0.75:
            guest.family = host.family
        local = rng.choice((f"family.{slug(host.family)}", f"{slug(host.family)}s", f"the.{slug(host.family)}s"))
        shared = _free(company, local, rng.choice(PROVIDERS))
    else:
        firm = host.firm or guest.firm or rng.choice(pool.firms)
        host.firm = guest.firm = firm
        while guest.family == host.family:
            guest.family = pool.family_name(rng)
        shared = _free(company, rng.choice(("info", "office", "hello")), f"{slug(firm)[:24]}.example")
    host.shop_email = guest.crm_email = shared
    host.shares_mailbox = guest.shares_mailbox = True
    guest.private = private_address(company, rng, guest)
    if guest.in_shop:
        guest.shop_email = guest.private
    guest.list_email = guest.private if rng.random() < 0.8 else shared
    host.list_email = shared if guest.list_email != shared and rng.random() < 0.6 else host.private
