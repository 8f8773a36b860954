"""`python -m ingestion.schemas`: rewrite the files of the raw tables after a field was listed or dropped."""

from pathlib import Path

from ingestion.schemas import export
from mailhouse.settings import Settings, find_project

if __name__ == "__main__":
    # only dbt_project.yml is read: no connection needs to exist
    for path in export(Settings(project=find_project(), workdir=Path(), connections={})):
        print(f"rewritten: {path.name}")
