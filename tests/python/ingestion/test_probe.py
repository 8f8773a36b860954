"""A connection is asked one small thing."""

import pytest

from ingestion.probe import probe
from ingestion.vendors import VENDORS
from mailhouse.errors import CredentialsRejected, VendorUnreachable
from tests.python.ingestion.conftest import connect_files

NO_SERVERS = ("segment", "files", "database")
SERVERS = [vendor for vendor in VENDORS if vendor not in NO_SERVERS]


@pytest.mark.parametrize("vendor", SERVERS)
def test_each_vendor_answers_one_question_without_a_write(place, vendors, vendor):
    probe(place.connections[vendor])
    assert len(vendors.asked(vendor)) == (2 if vendor in ("shopify", "salesforce") else 1)  # these grant a token first


@pytest.mark.parametrize("vendor", SERVERS)
def test_a_wrong_secret_is_told(place, vendors, vendor):
    wrong = dict.fromkeys(place.connections[vendor].sandbox_secrets, "wrong")
    place.connect(vendor, place.connections[vendor].url, secrets=wrong)
    with pytest.raises(CredentialsRejected, match=vendor):
        probe(place.connections[vendor])


@pytest.mark.parametrize("vendor", SERVERS)
def test_a_sandbox_that_does_not_run_is_told(place, vendor):
    place.connect(vendor, "sandbox", secrets={})
    with pytest.raises(VendorUnreachable, match="mailhouse sandbox serve"):
        probe(place.connections[vendor])
    assert type(place.land()[vendor].error) is VendorUnreachable


@pytest.mark.parametrize("vendor", NO_SERVERS)
def test_what_is_no_server_is_looked_at(place, vendor):
    connect_files(place)
    probe(place.connections[vendor])
