-- The plans of plan_figures while they are measured: sequences in the text's order, as far as it goes. A row is deleted
-- when the plan's figures are whole. Blobs as token_nll there.
CREATE TABLE begun_figures (
    key_id INTEGER NOT NULL REFERENCES profile_keys ON DELETE CASCADE,
    visits TEXT NOT NULL,
    token_nll BLOB NOT NULL,
    kl BLOB NOT NULL,            -- of each sequence, as is the next
    top1 BLOB NOT NULL,
    PRIMARY KEY (key_id, visits)
) WITHOUT ROWID;
