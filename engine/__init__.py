"""What can be done with layers, plans and checkpoints; knows no terminal."""
