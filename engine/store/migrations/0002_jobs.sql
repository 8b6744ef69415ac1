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
