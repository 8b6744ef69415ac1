"""Statistics of the measurements: intervals, tests, corrections for multiplicity. Standard library only."""
