-- Partial results of the plans of plan_figures, one row for each piece of the text. A plan's rows are deleted when its
-- figures are whole. Blobs as token_nll there.
DROP TABLE begun_figures;
CREATE TABLE partial_results (
    key_id INTEGER NOT NULL REFERENCES profile_keys ON DELETE CASCADE,
    visits TEXT NOT NULL,
    first_sequence INTEGER NOT NULL, -- of the piece, counted from 0
    sequences INTEGER NOT NULL,
    token_nll BLOB NOT NULL,
    kl BLOB NOT NULL,            -- of each sequence, as is the next
    top1 BLOB NOT NULL,
    PRIMARY KEY (key_id, visits, first_sequence)
) WITHOUT ROWID;

ALTER TABLE sweeps ADD COLUMN by_chance TEXT; -- JSON: what the best of the plans would look like without any effect
