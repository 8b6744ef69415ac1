"""What has been measured, in one SQLite file, keyed by everything it depends on.

Reads use the standard library's sqlite3 alone; writes and migrations import sqlite-utils late, which brings numpy.
"""
