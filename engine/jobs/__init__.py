"""Jobs: requests to do a task, kept in the store and carried out by worker processes of their own."""
