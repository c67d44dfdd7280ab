//! The tables of jobs, schedules, leases and the outbox.
//!
//! The names, the meaning of the columns and the indexes are the same for every SQL database; the types are SQLite's.
//!
//! Instants are microseconds since 1970 in UTC. `lock_until` and `expires_at` of leases are microseconds since the boot that
//! stands beside them. `position` orders the jobs of one state: those that wait by when they became ready, those that are
//! finished by when they finished; where tenants take turns (`share` says whose), by turn. Of the waiting jobs with one serial key all but the next are `held`, and while one is
//! active all are: `athyper_jobs_turn` allows no second one. `keep_until` is there for finished jobs and for no others.
//! Queues with limits have them as JSON, and a row for each period that has begun.
//!
//! A child names its parent by number; what the parent knows of it is a row of `athyper_job_children`, which outlives the child. It is
//! `waiting` until it has `completed` or `failed`, or is `holding` the parent after a failure. `has_children` is set for parents and for no others.
//!
//! Messages of the outbox wait until they are moved, or have `failed_at`. A destination has one batch under way at most: `moving` are
//! the places (`seq`) of its messages. `athyper_deliveries` are the batches of other databases' outboxes that have arrived here.
//!
//! A statement finds a partial index only if it says the index's condition in the same words.

use crate::foundation::sql::{Migration, MigrationSet};

/// Our own migrations.
pub(super) fn migrations() -> MigrationSet {
    MigrationSet {
        table: "athyper_migrations",
        migrations: vec![
            Migration { version: 1, name: "jobs, schedules and leases", sql: FIRST },
            Migration { version: 2, name: "whose declaration a schedule is", sql: SINCE },
            Migration { version: 3, name: "turns of tenants", sql: TURNS },
            Migration { version: 4, name: "limits of queues", sql: LIMITS },
            Migration { version: 5, name: "checkpoints, and jobs that are cancelled", sql: CHECKPOINTS },
            Migration { version: 6, name: "logs of jobs", sql: LOGS },
            Migration { version: 7, name: "flows: parents and children", sql: FLOWS },
            Migration { version: 8, name: "the outbox", sql: OUTBOX },
        ],
    }
}

const SINCE: &str = "ALTER TABLE athyper_schedules ADD COLUMN since INTEGER NOT NULL DEFAULT 0;";

const TURNS: &str = "
ALTER TABLE athyper_jobs ADD COLUMN share TEXT;
CREATE INDEX athyper_jobs_turns ON athyper_jobs (queue, share, priority, position)
    WHERE state = 'waiting' AND share IS NOT NULL;
CREATE INDEX athyper_jobs_turns_given ON athyper_jobs (queue, position)
    WHERE state = 'waiting' AND share IS NOT NULL;
CREATE INDEX athyper_jobs_turns_taken ON athyper_jobs (queue, priority, position)
    WHERE state = 'active' AND share IS NOT NULL;
CREATE INDEX athyper_jobs_turns_due ON athyper_jobs (queue, due_at)
    WHERE state = 'waiting' AND share IS NOT NULL;
";

const LIMITS: &str = "
ALTER TABLE athyper_queues ADD COLUMN limits TEXT;
CREATE TABLE athyper_periods (
    queue TEXT NOT NULL,
    scope TEXT NOT NULL,
    taken INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    PRIMARY KEY (queue, scope)
) WITHOUT ROWID;
";

const CHECKPOINTS: &str = "
ALTER TABLE athyper_jobs ADD COLUMN checkpoint BLOB;
ALTER TABLE athyper_jobs ADD COLUMN cancelled BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX athyper_jobs_cancelled ON athyper_jobs (queue) WHERE state = 'active' AND cancelled;
";

const LOGS: &str = "
ALTER TABLE athyper_jobs ADD COLUMN logged INTEGER NOT NULL DEFAULT 0;
CREATE TABLE athyper_job_logs (
    job INTEGER NOT NULL,
    number INTEGER NOT NULL,
    text BLOB NOT NULL,
    PRIMARY KEY (job, number)
) WITHOUT ROWID;
";

const FLOWS: &str = "
ALTER TABLE athyper_jobs ADD COLUMN parent INTEGER;
ALTER TABLE athyper_jobs ADD COLUMN has_children BOOLEAN;
CREATE INDEX athyper_jobs_waiting_children ON athyper_jobs (queue, seq) WHERE state = 'waiting-children';
CREATE TABLE athyper_job_children (
    parent INTEGER NOT NULL,
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    place INTEGER NOT NULL,
    kind TEXT NOT NULL,
    when_failed TEXT NOT NULL,
    state TEXT NOT NULL,
    result BLOB,
    error TEXT,
    PRIMARY KEY (parent, queue, id)
) WITHOUT ROWID;
CREATE INDEX athyper_job_children_open ON athyper_job_children (parent) WHERE state IN ('waiting', 'holding');
CREATE INDEX athyper_job_children_holding ON athyper_job_children (queue, id) WHERE state = 'holding';
";

const OUTBOX: &str = "
CREATE TABLE athyper_outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    destination TEXT NOT NULL,
    key TEXT NOT NULL,
    payload BLOB NOT NULL,
    context TEXT NOT NULL,
    alone BOOLEAN NOT NULL,
    created_at INTEGER NOT NULL,
    failed_at INTEGER,
    error TEXT
);
CREATE INDEX athyper_outbox_waiting ON athyper_outbox (destination, seq)
    WHERE failed_at IS NULL;
CREATE INDEX athyper_outbox_failed ON athyper_outbox (destination, failed_at)
    WHERE failed_at IS NOT NULL;
CREATE TABLE athyper_outbox_relays (
    destination TEXT NOT NULL PRIMARY KEY,
    source TEXT NOT NULL,
    number INTEGER NOT NULL,
    moving TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE athyper_deliveries (
    source TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (source, number)
) WITHOUT ROWID;
";

const FIRST: &str = "
CREATE TABLE athyper_queues (
    name TEXT NOT NULL PRIMARY KEY,
    paused BOOLEAN NOT NULL DEFAULT FALSE
) WITHOUT ROWID;

CREATE TABLE athyper_jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    payload BLOB NOT NULL,
    context TEXT NOT NULL,
    options TEXT NOT NULL,
    priority INTEGER NOT NULL,
    serial_key TEXT,
    keep_completed_count INTEGER NOT NULL,
    keep_completed_age INTEGER NOT NULL,
    keep_failed_count INTEGER NOT NULL,
    keep_failed_age INTEGER NOT NULL,
    state TEXT NOT NULL,
    held BOOLEAN NOT NULL DEFAULT FALSE,
    position INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    keep_until INTEGER,
    attempts_started INTEGER NOT NULL DEFAULT 0,
    attempts_made INTEGER NOT NULL DEFAULT 0,
    stalls INTEGER NOT NULL DEFAULT 0,
    worker TEXT,
    lock_boot TEXT,
    lock_until INTEGER,
    progress BLOB,
    result BLOB,
    error TEXT,
    UNIQUE (queue, id)
);

CREATE INDEX athyper_jobs_ready ON athyper_jobs (queue, priority, position, seq)
    WHERE state = 'waiting' AND NOT held;
CREATE INDEX athyper_jobs_held ON athyper_jobs (queue, serial_key, priority, position, seq)
    WHERE state = 'waiting' AND held;
CREATE UNIQUE INDEX athyper_jobs_turn ON athyper_jobs (queue, serial_key)
    WHERE serial_key IS NOT NULL AND (state = 'active' OR (state = 'waiting' AND NOT held));
CREATE INDEX athyper_jobs_due ON athyper_jobs (queue, due_at, seq, state)
    WHERE state IN ('delayed', 'parked');
CREATE INDEX athyper_jobs_parked ON athyper_jobs (queue, kind)
    WHERE state = 'parked';
CREATE INDEX athyper_jobs_active ON athyper_jobs (queue, lock_until)
    WHERE state = 'active';
CREATE INDEX athyper_jobs_finished ON athyper_jobs (queue, state, position)
    WHERE keep_until IS NOT NULL;
CREATE INDEX athyper_jobs_expiring ON athyper_jobs (queue, keep_until)
    WHERE keep_until IS NOT NULL;

CREATE TABLE athyper_job_keys (
    queue TEXT NOT NULL,
    key TEXT NOT NULL,
    job TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (queue, key)
) WITHOUT ROWID;
CREATE INDEX athyper_job_keys_job ON athyper_job_keys (queue, job);
CREATE INDEX athyper_job_keys_expires_at ON athyper_job_keys (expires_at);

CREATE TABLE athyper_schedules (
    name TEXT NOT NULL PRIMARY KEY,
    definition TEXT NOT NULL,
    high_water INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    last_queue TEXT,
    last_job TEXT
) WITHOUT ROWID;

CREATE TABLE athyper_leases (
    name TEXT NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL,
    holder TEXT,
    boot_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
";
