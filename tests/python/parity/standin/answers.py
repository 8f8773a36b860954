"""How the stand-in's answers go out."""

import fakesnow.arrow
import pyarrow as pa

timestamp_to_sf_struct = fakesnow.arrow.timestamp_to_sf_struct


def with_nulls(times: pa.Array | pa.ChunkedArray) -> pa.StructArray:
    """Times as Snowflake sends them. Left alone, the stand-in sends the year 1970 where there is none."""
    whole = times.combine_chunks() if isinstance(times, pa.ChunkedArray) else times
    sent = timestamp_to_sf_struct(whole.fill_null(pa.scalar(0, whole.type)))
    return pa.StructArray.from_arrays(sent.flatten(), fields=list(sent.type), mask=whole.is_null())


def send_nulls() -> None:
    """Send a time that is null as null."""
    fakesnow.arrow.timestamp_to_sf_struct = with_nulls
