"""Tables of the company's own, from a database or from files, brought into one shape per kind by `tables.yml`."""
