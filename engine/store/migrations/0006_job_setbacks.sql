ALTER TABLE jobs ADD COLUMN setbacks INTEGER NOT NULL DEFAULT 0; -- workers in a row that died and brought it no further
ALTER TABLE jobs ADD COLUMN furthest INTEGER NOT NULL DEFAULT 0; -- most progress of an attempt whose worker died
