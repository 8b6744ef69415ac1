"""The terminal, line by line and later full-screen. No work is done here: it asks the engine."""
