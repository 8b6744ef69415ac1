"""Statistics that say how far a figure can be trusted. Standard library only."""
