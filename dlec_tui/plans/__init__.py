"""The edited plan: document, files, edits, status, results and job specs."""
