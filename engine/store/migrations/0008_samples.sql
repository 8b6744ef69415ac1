-- Where the sequences come from that a key's figures were measured on.
CREATE TABLE samples (
    key_id INTEGER PRIMARY KEY REFERENCES profile_keys ON DELETE CASCADE,
    sequences INTEGER NOT NULL,
    tokens INTEGER NOT NULL,            -- of text; the tokenizer's own marks do not count
    documents INTEGER NOT NULL,         -- that any of the sequences comes from
    documents_in_half INTEGER NOT NULL,
    prefix TEXT NOT NULL,               -- special tokens before each sequence; empty: none
    notes TEXT NOT NULL                 -- JSON list of sentences
);

-- Whether the base predicts as well as it should: the same tokens, measured otherwise. Nats per token; NULL: not tried.
CREATE TABLE base_checks (
    key_id INTEGER PRIMARY KEY REFERENCES profile_keys ON DELETE CASCADE,
    unigram_nll REAL,                   -- by the frequencies of tokens alone
    own_begin TEXT NOT NULL,            -- special tokens with which the tokenizer begins a text
    other_begin TEXT NOT NULL,          -- and those that were tried instead
    own_nll REAL,
    other_nll REAL,
    short_tokens INTEGER NOT NULL,      -- in a sequence
    short_nll REAL,
    long_nll REAL                       -- with twice as many in a sequence
);

ALTER TABLE preview_results ADD COLUMN base_not_finite INTEGER NOT NULL DEFAULT 0; -- tokens: NaN or infinity
ALTER TABLE preview_results ADD COLUMN plan_not_finite INTEGER NOT NULL DEFAULT 0;
