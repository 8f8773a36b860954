"""Who is who, where no rule says so: weights fitted from the records themselves, and scored by the dbt project."""
