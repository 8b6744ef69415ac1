"""Models: found, and put into words."""
