"""The text that a model is measured on: sources, and its selection and held-out sets."""
