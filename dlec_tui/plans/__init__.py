"""The plan that is edited: its text and history, what is to be said of it, and what keys and forms do to it."""
