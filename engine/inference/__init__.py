"""Running of models with torch and transformers, never in the interface process."""
