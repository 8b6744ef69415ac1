"""State that survives a restart, autosave, and notices on opening and closing."""
