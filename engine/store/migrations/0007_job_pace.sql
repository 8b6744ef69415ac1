ALTER TABLE jobs ADD COLUMN per_second REAL; -- progress, in the task's unit, by a clock that nobody sets
