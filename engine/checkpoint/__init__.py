"""Model directories in Hugging Face layout, read without loading a weight and without torch."""
