"""The user interface, full-screen and command line. All work is done by the engine."""
