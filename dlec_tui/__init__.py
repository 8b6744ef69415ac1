"""The terminal, full-screen and line by line. No work is done here: it asks the engine."""
