"""Jobs, for screen and command line: read from the store, put into words, changed."""
