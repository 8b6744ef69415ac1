"""Engine of dlec: layers, plans, checkpoints, measurements and jobs, without a terminal."""
