-- Comparisons of two checkpoints, tensor by tensor: B against A.
CREATE TABLE comparisons (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 TEXT NOT NULL UNIQUE,      -- of everything that the values depend on: the same in every store
    a_reference TEXT NOT NULL,
    b_reference TEXT NOT NULL,
    a_fingerprint TEXT NOT NULL,
    b_fingerprint TEXT NOT NULL,
    pairing TEXT NOT NULL,            -- position, plan or copies
    pairing_reason TEXT NOT NULL,
    layers INTEGER NOT NULL,          -- of B
    files TEXT NOT NULL,              -- hash of sizes and times of the files that were read
    compared_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP -- UTC
);

CREATE TABLE tensor_differences (
    comparison_id INTEGER NOT NULL REFERENCES comparisons ON DELETE CASCADE,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,               -- in B
    base_name TEXT NOT NULL,
    layer INTEGER,                    -- of B; NULL outside the layers
    base_layer INTEGER,
    type TEXT NOT NULL,               -- self_attn.q_proj
    layer_group TEXT NOT NULL,        -- originals, first copies, ...; empty outside stacks
    elements INTEGER NOT NULL,
    relative REAL,                    -- rms / base_rms
    base_rms REAL,                    -- root mean square of the base's tensor as it is stored
    rms REAL,                         -- root mean square of B minus the base, which is scaled as the plan says
    max REAL,
    cosine REAL,
    identical REAL NOT NULL,          -- share of elements
    sign_flips REAL NOT NULL,         -- share of elements
    factor REAL NOT NULL,             -- scale that the plan gives the base's tensor
    fit REAL,                         -- factor by which the stored tensor of the base fits B best
    not_finite INTEGER NOT NULL,      -- elements that are left out
    rows_left INTEGER NOT NULL,       -- rows of a larger vocabulary
    stable_rank REAL,
    effective_rank REAL,
    energy TEXT,                      -- JSON: share of the sum of squares in the first 1, 2, ... singular values
    PRIMARY KEY (comparison_id, number)
) WITHOUT ROWID;

CREATE TABLE unpaired_tensors (
    comparison_id INTEGER NOT NULL REFERENCES comparisons ON DELETE CASCADE,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    side TEXT NOT NULL,               -- a, b or both
    reason TEXT NOT NULL,
    PRIMARY KEY (comparison_id, number)
) WITHOUT ROWID;
