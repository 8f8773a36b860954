"""A person in every vendor's every table, whose every text holds a token that nothing else holds."""

from datetime import UTC, datetime

from mailhouse.sandbox import hubspot_events, klaviyo_members, members
from mailhouse.sandbox.hubspot_preferences import subscription_row
from mailhouse.sandbox.klaviyo_events import event_row, metric_row
from mailhouse.sandbox.klaviyo_profiles import PROFILE, new_profile
from mailhouse.sandbox.mailchimp_words import hash_of
from mailhouse.sandbox.salesforce_objects import OBJECTS, identifier, record_row
from mailhouse.sandbox.sendgrid_lists import list_row
from mailhouse.sandbox.sendgrid_people import CONTACT, LIST, contact_row
from mailhouse.sandbox.sendgrid_suppressions import SUPPRESSION, entry_row
from mailhouse.sandbox.store import Row, Store, stamp

AT = datetime(2026, 4, 1, 6, 0, tzinfo=UTC)
CAMPAIGN, KLAVIYO_LIST, LISTS = "camp1", "Rk7aaa", ("list1", "list2")
SENDGRID_LIST = "6f0f35a1-3f2e-4b11-9a43-4d6b6c1d0a55"
OWN = {"object": "integration", "id": "0rG4eQ", "key": "klaviyo", "name": "Klaviyo", "category": "Internal"}


class Canary:
    """One person: `address` and `old_address` are theirs, `phone` is written with blanks."""

    def __init__(self, token: str, number: int) -> None:
        self.token, self.number = token, number
        self.address, self.old_address = f"{token}@example.org", f"{token}.before@example.net"
        self.phone = f"+49 30 {90000000 + number}"
        self.profile_id = ""

    def word(self, what: str) -> str:
        return f"{what}-{self.token}"

    @property
    def texts(self) -> list[str]:
        """What no file may hold of them."""
        return [self.token, self.phone, self.phone.replace(" ", "")]

    def put(self, store: Store, at: datetime = AT, agreed_at: datetime = AT) -> None:
        """Into all vendors, as it has been since `at`; the consent that Mailchimp can prove is of `agreed_at`."""
        self._hubspot(store, stamp(at))
        self._shopify(store, stamp(at))
        self._mailchimp(store, stamp(at), stamp(agreed_at))
        self._klaviyo(store, stamp(at))
        self._sendgrid(store, stamp(at))
        self._salesforce(store, stamp(at))

    def _hubspot(self, store: Store, at: str) -> None:
        names = ("firstname", "lastname", "company", "city", "zip", "lifecyclestage", "loyalty_tier", "newsletter_consent_source")
        properties = {name: self.word(name) for name in names}
        properties |= {"email": self.address, "phone": self.phone, "mobilephone": self.phone, "country": "DE"}
        properties |= {"hs_additional_emails": self.old_address, "hs_merged_object_ids": f"9{self.number}"}
        body = {"id": str(self.number), "createdAt": at, "updatedAt": at, "archived": False, "properties": properties}
        store.put("hubspot.contact", Row(str(self.number), body, at, email=self.address))
        store.put("hubspot.subscription", subscription_row(self.address, "SUBSCRIBED", at))
        link = f"https://shop.example/{self.token}"
        store.put("hubspot.email_event", hubspot_events.event_row(f"click{self.number}", "CLICK", self.address, at, 1, url=link))

    def _shopify(self, store: Store, at: str) -> None:
        identifier = str(5000 + self.number)
        consent = {"marketingState": "SUBSCRIBED", "marketingOptInLevel": "SINGLE_OPT_IN", "consentUpdatedAt": at}
        place = {"address1": self.word("street"), "city": self.word("city"), "zip": self.word("zip"), "countryCodeV2": "DE"}
        body = {"id": identifier, "email": self.old_address, "firstName": self.word("first"), "lastName": self.word("last")}
        body |= {"phone": self.phone, "state": "ENABLED", "locale": "de", "tags": [self.word("tag")], "createdAt": at}
        body |= {"updatedAt": at, "defaultAddress": place, "emailMarketingConsent": consent, "note": self.word("note")}
        body["metafields"] = {"custom.favourite_category": self.word("favourite")}
        store.put("shopify.customer", Row(identifier, body, at, email=self.old_address))
        line = {"id": str(7000 + self.number), "title": self.word("engraved"), "sku": self.word("sku"), "quantity": 2}
        line |= {"productId": None, "variantId": None, "unitPrice": "12.50", "discount": "0.00"}
        refund = {"id": str(8000 + self.number), "createdAt": at, "amount": "5.00"}
        refund["lines"] = [{"lineItemId": line["id"], "quantity": 1, "amount": "5.00"}]
        order = {"id": str(6000 + self.number), "name": self.word("#"), "customerId": identifier, "email": self.old_address}
        order |= {"phone": self.phone, "createdAt": at, "processedAt": at, "updatedAt": at, "cancelledAt": None, "test": False}
        order |= {"displayFinancialStatus": "PAID", "currencyCode": "EUR", "sourceName": "web", "lineItems": [line]}
        order |= {"shippingAddress": {"countryCodeV2": "DE"}, "refunds": [refund]}
        store.put("shopify.order", Row(order["id"], order, at, at, identifier, self.old_address))

    def _mailchimp(self, store: Store, at: str, agreed_at: str) -> None:
        member = hash_of(self.address)
        for list_id in LISTS:
            store.put("mailchimp.list", Row(list_id, {"id": list_id, "name": list_id, "double_optin": False}, AT))
            body = {"id": member, "email_address": self.address, "status": "subscribed", "contact_id": f"c{member}"}
            body |= {"full_name": self.word("name"), "merge_fields": {"FNAME": self.word("first")}, "ip_opt": "203.0.113.9"}
            body |= {"timestamp_opt": agreed_at, "timestamp_signup": agreed_at, "last_changed": at, "source": self.word("source")}
            store.put("mailchimp.member", Row(member, body, at, parent=list_id, email=self.address))
        campaign = {"id": CAMPAIGN, "type": "regular", "status": "sent", "create_time": stamp(AT), "send_time": stamp(AT)}
        campaign |= {"settings": {"title": "News", "subject_line": "News"}, "recipients": {"list_id": LISTS[0]}}
        store.put("mailchimp.campaign", Row(CAMPAIGN, campaign, AT))
        step = {"action": "click", "timestamp": at, "ip": "203.0.113.9", "url": f"https://shop.example/{self.token}"}
        sent = {"email_id": member, "email_address": self.address, "list_id": LISTS[0], "status": "sent", "activity": [step]}
        sent["unsubscribed"] = {"timestamp": at, "reason": self.word("reason")}
        store.put("mailchimp.delivery", Row(member, sent, at, at, CAMPAIGN, self.address))
        report = {"id": self.number, "campaign_id": CAMPAIGN, "list_id": LISTS[0], "email_id": member}
        report |= {"email_address": self.address, "date": at}
        store.put("mailchimp.abuse_report", Row(str(self.number), report, at, at, LISTS[0], self.address))

    def _klaviyo(self, store: Store, at: str) -> None:
        names = ("first_name", "last_name", "organization", "external_id")
        given = {name: self.word(name) for name in names} | {"phone_number": self.phone.replace(" ", "")}
        place = {"city": self.word("city"), "zip": self.word("zip"), "country": "DE"}
        row = new_profile(self.address, at, **given, location=place)
        store.put(PROFILE, row)
        self.profile_id = row.id
        body = {"name": "Newsletter", "opt_in_process": "single_opt_in", "created": stamp(AT), "updated": stamp(AT)}
        store.put("klaviyo.list", Row(KLAVIYO_LIST, body, AT))
        klaviyo_members.put_on(store, KLAVIYO_LIST, [row.id], at)
        metric = metric_row("Opened Email", stamp(AT), OWN)
        store.put("klaviyo.metric", metric)
        properties = {"Recipient Email Address": self.address, "Subject": self.word("subject"), "$message": self.word("message")}
        store.put("klaviyo.event", event_row(row.id, metric.id, at, properties))

    def _sendgrid(self, store: Store, at: str) -> None:
        names = ("first_name", "last_name", "city", "postal_code", "external_id")
        contact = f"00000000-0000-4000-8000-{self.number:012}"
        store.put(CONTACT, contact_row(contact, self.address, at, **{name: self.word(name) for name in names}))
        store.put(LIST, list_row(SENDGRID_LIST, "Tips", stamp(AT)))
        members.put_on(store, SENDGRID_LIST, [contact], at)
        store.put(SUPPRESSION, entry_row("blocks", self.address, at, reason=self.word("busy"), status="4.7.0"))

    def _salesforce(self, store: Store, at: str) -> None:
        """A contact, the lead that it was before, and what hangs on them."""
        contact, lead = (identifier(OBJECTS[kind].prefix, self.number) for kind in ("Contact", "Lead"))
        names = ("FirstName", "LastName", "Title", "LeadSource")
        person = {name: self.word(name) for name in names} | {"Phone": self.phone, "MobilePhone": self.phone}
        home = {"MailingCity": self.word("city"), "MailingPostalCode": self.word("zip"), "MailingCountry": "DE"}
        records = {
            ("Contact", contact): {**person, **home, "Email": self.address, "Preferred_Store__c": self.word("store")},
            ("Lead", lead): {**person, "Email": self.old_address, "Company": self.word("company"), "City": self.word("city")},
            ("CampaignMember", identifier("00v", self.number)): {"ContactId": contact, "Status": self.word("status")},
            ("Task", identifier("00T", self.number)): {"WhoId": lead, "Status": "Completed"},
            ("Case", identifier("500", self.number)): {"ContactId": contact, "Origin": "Email"},
        }
        for (kind, record_id), body in records.items():
            store.put(OBJECTS[kind].kind, record_row(OBJECTS[kind], record_id, body, at, at))
