"""Files that must be on disk before anything rests on them."""

import os
from pathlib import Path


def flush(path: Path) -> None:
    """Returns when the file, or the names in the folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
