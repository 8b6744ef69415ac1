"""The text that a model is measured on: where it comes from, and which half chooses and which judges."""
