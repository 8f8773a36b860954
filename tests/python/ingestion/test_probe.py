"""A connection is asked one small thing."""

import pytest

from ingestion.probe import probe
from ingestion.vendors import VENDORS
from mailhouse.errors import CredentialsRejected, VendorUnreachable


@pytest.mark.parametrize("vendor", VENDORS)
def test_each_vendor_answers_one_question_without_a_write(place, vendors, vendor):
    probe(place.connections[vendor])
    assert len(vendors.asked(vendor)) == (2 if vendor in ("shopify", "salesforce") else 1)  # these grant a token first


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_wrong_secret_is_told(place, vendors, vendor):
    wrong = dict.fromkeys(place.connections[vendor].sandbox_secrets, "wrong")
    place.connect(vendor, place.connections[vendor].url, secrets=wrong)
    with pytest.raises(CredentialsRejected, match=vendor):
        probe(place.connections[vendor])


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_sandbox_that_does_not_run_is_told(place, vendor):
    place.connect(vendor, "sandbox", secrets={})
    with pytest.raises(VendorUnreachable, match="mailhouse sandbox serve"):
        probe(place.connections[vendor])
    assert type(place.land()[vendor].error) is VendorUnreachable
