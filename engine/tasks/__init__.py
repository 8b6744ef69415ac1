"""What can be done, one file each: used by the command line and by the worker alike."""
