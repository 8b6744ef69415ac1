"""Jobs for screen and command line: views, progress, results, changes and logs."""
