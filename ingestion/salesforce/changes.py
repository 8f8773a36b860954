"""The records of one object, all of them once and then those that changed, deleted and merged ones included."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from ingestion.cursor import Cursor
from ingestion.fields import Fields
from ingestion.salesforce import bulk, settings
from ingestion.salesforce.org import Org, Record, stamp
from ingestion.salesforce.settings import Resource

STAMP = "SystemModstamp"


def with_custom(resource: Resource, custom: Mapping[str, str]) -> Fields:
    """The object's columns with the listed custom fields: `loyalty_tier` is the field `Loyalty_Tier__c`."""
    return resource.fields.with_custom(custom, lambda name: f"{name}__c".lower())


def changes(org: Org, resource: Resource, fields: Fields, lag: int) -> Iterator[list[Record]]:
    """Everything that changed since the cursor less `lag` seconds; moves the cursor when all of it was read.

    Salesforce gives the pages in the order of the first page's moment, and each record as it is when its page is read. So a
    late page may hold a change that is newer than one in an earlier page which we read before it happened: the cursor goes no
    further than the newest change that there was when the first page had been read.
    """
    cursor = Cursor(fields.table, [fields])
    select = f"SELECT {', '.join(asked(org, fields))} FROM {resource.sobject}"
    if cursor.is_first:
        yield from _everything(org, resource, fields, select, cursor)
        return
    since = f" WHERE {STAMP} >= {stamp(cursor.since(lag))} ORDER BY {STAMP}, Id"
    mark: datetime | None = None
    for page, is_last in org.pages(select + since):
        if mark is None and page:
            mark = org.moment(page[-1].get(STAMP)) if is_last else latest(org, resource)[1]
        yield [plain(org, fields, record) for record in page]
    if mark is not None:
        cursor.reach(mark)


def _everything(org: Org, resource: Resource, fields: Fields, select: str, cursor: Cursor) -> Iterator[list[Record]]:
    count, mark = latest(org, resource)
    if count > int(org.connection.settings.get("bulk_rows", settings.BULK_ROWS)):
        pages: Iterator[list[Record]] = bulk.rows(org, select)
    else:
        pages = (page for page, _ in org.pages(f"{select} ORDER BY {STAMP}, Id"))
    for page in pages:
        yield [plain(org, fields, record) for record in page]
    if mark is not None:
        cursor.reach(mark)


def latest(org: Org, resource: Resource) -> tuple[int, datetime | None]:
    """How many records there are, those in the recycle bin included, and when one of them last changed."""
    found = org.one(f"SELECT COUNT(Id) records, MAX({STAMP}) latest FROM {resource.sobject}") or {}
    moment = found.get("latest")
    return int(found.get("records") or 0), None if moment is None else org.moment(moment)


def asked(org: Org, fields: Fields) -> list[str]:
    """The fields to be selected."""
    without = () if org.connection.settings.get("multi_currency") else (settings.CURRENCY,)
    return [field.path for field in fields.fields if field.path not in without]


def plain(org: Org, fields: Fields, record: Record) -> Record:
    """The record with its custom fields in lower case, as they are listed, and the currency that its amounts are in."""
    custom = {name.lower(): value for name, value in record.items() if name.endswith("__c")}
    if any(field.path == settings.CURRENCY for field in fields.fields) and settings.CURRENCY not in record:
        custom[settings.CURRENCY] = org.connection.settings.get("currency")
    return {**record, **custom}
