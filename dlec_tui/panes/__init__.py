"""The parts that the screen is made of: each a whole that could fill it."""
