"""Tasks, one file each, run by the command line and by workers alike."""
