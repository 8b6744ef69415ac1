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

-- Histograms of log2 |MLP activation|; the outer bins include all values beyond them.
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
