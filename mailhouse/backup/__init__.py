"""Backup and restore: one archive of a work directory's state, and a way back that is taken whole or not at all."""
