-- Plans of one checkpoint on one half of one text, as sweeps measure them; the base is a plan that visits every layer
-- once. Figures in nats per token, differences are plan minus base.
CREATE TABLE plan_figures (
    key_id INTEGER NOT NULL REFERENCES profile_keys ON DELETE CASCADE,
    visits TEXT NOT NULL,        -- layers from bottom to top, with the factor of those that are scaled: 0-16 12-16*0.5
    nll REAL,
    delta_nll REAL,
    standard_error REAL,         -- of delta_nll over sequences
    interval_low REAL,           -- 95 %, of delta_nll
    interval_high REAL,
    p REAL,                      -- two-sided paired t-test of delta_nll, not adjusted for how many plans were tried
    kl REAL,                     -- from base to plan
    top1_agreement REAL,         -- share of tokens
    tokens INTEGER NOT NULL,     -- that were predicted
    sequences INTEGER NOT NULL,
    token_nll BLOB NOT NULL,     -- of every token: float32, bytes of equal significance together, zlib
    measured_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, -- UTC
    PRIMARY KEY (key_id, visits)
) WITHOUT ROWID;

-- Plans on the items of a probe: which they answer rightly, beside the base. The key's text is the probe.
CREATE TABLE probe_results (
    key_id INTEGER NOT NULL REFERENCES profile_keys ON DELETE CASCADE,
    visits TEXT NOT NULL,
    items INTEGER NOT NULL,
    rights TEXT NOT NULL,        -- 1 or 0 for each item
    log_likelihoods BLOB NOT NULL, -- of each item's right answer, nats: float32, packed as token_nll
    measured_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (key_id, visits)
) WITHOUT ROWID;

CREATE TABLE sweeps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 TEXT NOT NULL UNIQUE, -- of what is asked: the same in every store
    reference TEXT NOT NULL,     -- how the user called the model
    space TEXT NOT NULL,         -- in words
    corpus TEXT NOT NULL,        -- how the text is called
    choosing_key_id INTEGER NOT NULL REFERENCES profile_keys,
    judging_key_id INTEGER NOT NULL REFERENCES profile_keys,
    probe_key_id INTEGER REFERENCES profile_keys,
    probe TEXT,                  -- how the probe is called
    plans INTEGER NOT NULL,
    top INTEGER NOT NULL,        -- how many of the best were judged
    early_stop INTEGER NOT NULL, -- 1: plans that are surely worse were not measured to the end
    begun_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    finished_at TEXT,
    cost TEXT                    -- JSON: what was announced and what was done
);

CREATE TABLE sweep_plans (
    sweep_id INTEGER NOT NULL REFERENCES sweeps ON DELETE CASCADE,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    visits TEXT NOT NULL,        -- its figures are those of the sweep's keys
    text TEXT NOT NULL,          -- YAML
    start_layer INTEGER,         -- of the block that is repeated, where that is all
    end_layer INTEGER,
    scale REAL NOT NULL,         -- of the repeated visits
    stopped_after INTEGER,       -- sequences after which it was surely worse
    holm_p REAL,                 -- adjusted for all plans of the sweep, choosing half
    judged_holm_p REAL,          -- adjusted for all plans that were judged, judging half; NULL for the others
    PRIMARY KEY (sweep_id, number)
) WITHOUT ROWID;

-- How well a cheap metric of blocks ranked what was measured.
CREATE TABLE sweep_rankings (
    sweep_id INTEGER NOT NULL REFERENCES sweeps ON DELETE CASCADE,
    metric TEXT NOT NULL,
    width INTEGER NOT NULL,      -- layers in the blocks; 0: all widths together
    blocks INTEGER NOT NULL,
    spearman REAL,               -- with delta_nll; NULL where it is undefined
    PRIMARY KEY (sweep_id, metric, width)
) WITHOUT ROWID;
