"""Jobs: requests to run a task, kept in the store and run by worker processes."""
