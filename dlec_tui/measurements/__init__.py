"""What was measured of a model, as it is looked at, and orders for more."""
