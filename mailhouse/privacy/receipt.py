"""An erasure's receipt as tables: what each vendor answered, and how many rows were touched where."""

from mailhouse.privacy.erase import ErasureReceipt
from mailhouse.report import Table, number


def tables(receipt: ErasureReceipt) -> list[Table]:
    """Without a name or an address: it may be kept as the proof that it was done."""
    vendors = [[one.connection_id, one.status, number(one.records), one.says] for one in receipt.vendors]
    rows = [[relation, number(count)] for relation, count in receipt.rows.items()]
    here = [["warehouse, rows", number(sum(receipt.rows.values()))]]
    here += [["inbox, acts", number(receipt.acts)], ["files of runs", number(receipt.files)]]
    here += [["identifiers with a tombstone", number(receipt.identifiers)]]
    state = "ended" if receipt.ok else "open: give the command again"
    return [
        Table(f"Erasure {receipt.erasure_id[:12]}, {state}", ["vendor", "answer", "records", "which is"], vendors),
        Table("What was kept here, by table", ["table", "rows"], rows),
        Table(
            "What was kept here",
            ["what", "how many"],
            here,
            "Of orders only the person is gone: what was bought, and for how much, stays.",
        ),
    ]
