"""What we read from the vendors and how it is landed: one folder a vendor, `landing.land` for all of them."""
