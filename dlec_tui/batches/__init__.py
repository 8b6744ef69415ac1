"""Plans that are to be merged together."""
