"""Everything we take from one Salesforce org: people, accounts, opportunities, campaigns, tasks and cases."""

from collections.abc import Iterator, Mapping
from functools import partial

import dlt
from dlt.extract import DltResource

from ingestion.fields import Fields
from ingestion.known import REMOVED
from ingestion.salesforce.changes import changes, with_custom
from ingestion.salesforce.org import Org
from ingestion.salesforce.settings import LAG_SECONDS, RESOURCES, Resource
from ingestion.source import Landing, batches

Custom = Mapping[str, Mapping[str, str]]


def tables(custom: Custom) -> list[Fields]:
    """What lands of an org; `custom` are the listed custom fields of each table, `{table: {name: type}}`."""
    return [*(with_custom(resource, custom.get(resource.table, {})) for resource in RESOURCES), REMOVED]


@dlt.source(name="salesforce")
def salesforce(landing: Landing, org: Org, custom: Custom) -> Iterator[DltResource]:
    """One org; `custom` are the listed custom fields of each table, `{table: {name: type}}`."""
    lag = landing.lag(LAG_SECONDS)

    def read(resource: Resource, fields: Fields) -> Iterator[list[dict]]:
        yield from batches(changes(org, resource, fields, lag))

    for resource in RESOURCES:
        fields = with_custom(resource, custom.get(resource.table, {}))
        yield landing.resource(fields, partial(read, resource, fields))
    yield landing.resource(REMOVED, list)
