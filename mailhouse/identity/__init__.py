"""Who is who: what the models decided, and why."""
