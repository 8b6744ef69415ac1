"""The store: measurements and jobs in one SQLite file, keyed by everything that they depend on.

Reads use only the standard library's sqlite3; writes and migrations import sqlite-utils late, because it imports numpy.
"""
