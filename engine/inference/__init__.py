"""Running models, with torch and transformers. Every module here runs in a process of its own."""
