"""The tables, as numbered migrations in plain SQL. A migration that was released is never edited: add another.

Column names are for people with sqlite3 or Datasette. Block (start_layer, end_layer) is layers start_layer to
end_layer - 1. NULL stands for a figure that is not a number.
"""

from collections.abc import Mapping

from engine.store.schema_samples import SAMPLES
from engine.store.schema_splits import SPLITS
from engine.store.schema_sweeps import BEGUN, PIECES, SWEEPS

MIGRATION_SET = "dlec"
"""Our migrations' name in sqlite-utils' table of migrations."""

_MEASUREMENTS = """
CREATE TABLE models (
    fingerprint TEXT PRIMARY KEY,
    reference TEXT NOT NULL,     -- path or hub id under which it was seen last
    model_type TEXT NOT NULL,
    layers INTEGER NOT NULL,
    hidden_size INTEGER,
    parameters INTEGER NOT NULL,
    bytes INTEGER NOT NULL       -- of the weights as stored
);

-- What a measurement depends on.
CREATE TABLE profile_keys (
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL,   -- of the checkpoint
    tokenizer TEXT NOT NULL,
    text_sha256 TEXT NOT NULL,
    half TEXT NOT NULL,          -- of the text: choosing or judging
    tokens INTEGER NOT NULL,
    seq_len INTEGER NOT NULL,
    dtype TEXT NOT NULL,
    versions TEXT NOT NULL,      -- of torch, transformers and the metrics
    UNIQUE (fingerprint, tokenizer, text_sha256, half, tokens, seq_len, dtype, versions)
);

-- One row for each finished profile.
CREATE TABLE profiles (
    key_id INTEGER PRIMARY KEY REFERENCES profile_keys ON DELETE CASCADE,
    measured_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP -- UTC
);

CREATE TABLE layer_statistics (
    key_id INTEGER NOT NULL REFERENCES profiles ON DELETE CASCADE,
    layer INTEGER NOT NULL,
    block_influence REAL,        -- 1 - cosine of the layer's input and output; means over tokens
    relative_update REAL,        -- norm of the update / norm of the input
    update_norm REAL,
    input_norm REAL,
    PRIMARY KEY (key_id, layer)
) WITHOUT ROWID;

CREATE TABLE block_angles (
    key_id INTEGER NOT NULL REFERENCES profiles ON DELETE CASCADE,
    start_layer INTEGER NOT NULL,
    end_layer INTEGER NOT NULL,
    angular_distance REAL,       -- mean over tokens of the angle between both boundaries, 0 to 1 in half turns
    PRIMARY KEY (key_id, start_layer, end_layer)
) WITHOUT ROWID;

-- Of log2 |MLP activation|; the outer bins count everything beyond them.
CREATE TABLE layer_histograms (
    key_id INTEGER NOT NULL REFERENCES profiles ON DELETE CASCADE,
    layer INTEGER NOT NULL,
    low REAL NOT NULL,           -- lower edge of the first bin
    high REAL NOT NULL,          -- upper edge of the last bin; all are equally wide
    counts TEXT NOT NULL,        -- JSON list, one count for each bin
    PRIMARY KEY (key_id, layer)
) WITHOUT ROWID;

-- MLP activations, the input of the down projection.
CREATE TABLE neuron_statistics (
    key_id INTEGER NOT NULL REFERENCES profiles ON DELETE CASCADE,
    neuron_id INTEGER NOT NULL,  -- 0, 1, 2, ... through all layers of the profile
    layer INTEGER NOT NULL,
    neuron INTEGER NOT NULL,     -- within the layer
    count INTEGER NOT NULL,      -- activations seen
    mean REAL,
    variance REAL,
    peak REAL,                   -- the activation of largest magnitude
    peak_sequence INTEGER,
    peak_position INTEGER,
    share_active REAL,
    PRIMARY KEY (key_id, neuron_id)
) WITHOUT ROWID;
CREATE INDEX neurons_by_layer ON neuron_statistics (key_id, layer);

-- The text around the tokens at which some neuron peaks.
CREATE TABLE token_contexts (
    key_id INTEGER NOT NULL REFERENCES profiles ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    position INTEGER NOT NULL,
    context TEXT NOT NULL,
    PRIMARY KEY (key_id, sequence, position)
) WITHOUT ROWID;

-- For each rank (0 is the smallest) the neuron_id that has it: a page at any offset is found at once.
CREATE TABLE neuron_order (
    key_id INTEGER NOT NULL REFERENCES profiles ON DELETE CASCADE,
    rank INTEGER NOT NULL,
    by_count INTEGER NOT NULL,
    by_mean INTEGER NOT NULL,
    by_variance INTEGER NOT NULL,
    by_peak INTEGER NOT NULL,    -- by its magnitude
    by_share_active INTEGER NOT NULL,
    PRIMARY KEY (key_id, rank)
) WITHOUT ROWID;

CREATE VIEW neurons AS
    SELECT n.*, peaks.context AS peak_context
    FROM neuron_statistics AS n
    LEFT JOIN token_contexts AS peaks
        ON peaks.key_id = n.key_id AND peaks.sequence = n.peak_sequence AND peaks.position = n.peak_position;

CREATE TABLE scores (
    key_id INTEGER NOT NULL REFERENCES profile_keys ON DELETE CASCADE,
    metric TEXT NOT NULL,
    start_layer INTEGER NOT NULL,
    end_layer INTEGER NOT NULL,
    value REAL,
    standard_error REAL,
    PRIMARY KEY (key_id, metric, start_layer, end_layer)
) WITHOUT ROWID;

CREATE TABLE preview_results (
    plan_sha256 TEXT NOT NULL,
    key_id INTEGER NOT NULL REFERENCES profile_keys ON DELETE CASCADE,
    base_nll REAL,               -- nats per token
    plan_nll REAL,
    delta_nll REAL,              -- plan minus base
    standard_error REAL,
    interval_low REAL,           -- 95 %, of delta_nll
    interval_high REAL,
    kl REAL,                     -- from base to plan, nats per token
    top1_agreement REAL,         -- share of tokens
    tokens INTEGER NOT NULL,     -- that were predicted
    sequences INTEGER NOT NULL,
    measured_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, -- UTC
    PRIMARY KEY (plan_sha256, key_id)
) WITHOUT ROWID;

CREATE TABLE plans_used (
    plan_sha256 TEXT PRIMARY KEY,
    text TEXT NOT NULL,          -- YAML
    justification TEXT NOT NULL, -- what the plan was proposed from
    used_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP -- first, UTC
);
"""

_JOBS = """
-- The processes that run jobs. A row is removed when its worker ends, or is found dead.
CREATE TABLE workers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    slot TEXT NOT NULL,          -- the device that it works on: cpu, cuda:1, cuda:0-3
    host TEXT NOT NULL,
    boot TEXT NOT NULL,          -- which start of which system on that host
    lock TEXT NOT NULL,          -- file that it holds locked as long as it lives
    pid INTEGER NOT NULL,
    started_at TEXT NOT NULL,    -- UTC, as are all times
    seen_at TEXT NOT NULL        -- when it last said that it lives
);

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,   -- the same in every store that it is copied to
    task TEXT NOT NULL,          -- profile, score, preview, generate, merge, verify, download, ...
    request TEXT NOT NULL,       -- JSON: what the task is asked
    inputs TEXT NOT NULL,        -- JSON: directory and fingerprint of each checkpoint that is read
    title TEXT NOT NULL,
    batch TEXT,                  -- the jobs that were queued together have the same
    slot TEXT NOT NULL,          -- wanted: cpu, cuda (any), cuda:1, cuda:0-3
    priority INTEGER NOT NULL,   -- higher goes first
    position REAL NOT NULL,      -- among equal priorities, lower goes first
    submitted_at TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, -- how often a worker began it
    state TEXT NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'held', 'running', 'done', 'failed', 'cancelled')),
    held_reason TEXT,
    held_behind INTEGER,         -- the job whose failure holds this one
    worker_id INTEGER REFERENCES workers,
    started_at TEXT,
    done INTEGER,                -- progress, in the task's unit
    total INTEGER,
    doing TEXT,
    stop TEXT CHECK (stop IN ('discard', 'keep')), -- asked of a running job: end, and what of its partial output
    ended_at TEXT,
    result TEXT,                 -- JSON: the task's answer
    error TEXT,                  -- JSON: kind, what, why, fix
    CHECK ((state = 'held') = (held_reason IS NOT NULL)),
    CHECK ((state = 'running') = (worker_id IS NOT NULL)),
    CHECK ((state IN ('done', 'failed', 'cancelled')) = (ended_at IS NOT NULL)),
    CHECK ((state = 'done') = (result IS NOT NULL)),
    CHECK ((state = 'failed') = (error IS NOT NULL))
);
CREATE INDEX jobs_by_state ON jobs (state, priority DESC, position);
"""

_SETBACKS = """
ALTER TABLE jobs ADD COLUMN setbacks INTEGER NOT NULL DEFAULT 0; -- workers in a row that died and brought it no further
ALTER TABLE jobs ADD COLUMN furthest INTEGER NOT NULL DEFAULT 0; -- most progress of an attempt whose worker died
"""

_PACE = """
ALTER TABLE jobs ADD COLUMN per_second REAL; -- progress, in the task's unit, by a clock that nobody sets
"""

MIGRATIONS: Mapping[str, str] = {
    "0001_measurements": _MEASUREMENTS,
    "0002_jobs": _JOBS,
    "0003_sweeps": SWEEPS,
    "0004_begun_figures": BEGUN,
    "0005_partial_results": PIECES,
    "0006_job_setbacks": _SETBACKS,
    "0007_job_pace": _PACE,
    "0008_samples": SAMPLES,
    "0009_splits": SPLITS,
}
"""Name and SQL, in order."""
