//! The tables of jobs, schedules, leases and the outbox.
//!
//! The names, the meaning of the columns and the indexes are the same for every SQL database; the types are PostgreSQL's.
//!
//! Instants are microseconds since 1970 in UTC, by the queue's clock; `lock_until` and `expires_at` of leases by the server's. The
//! columns for a boot are empty: a server's clock outlives its restarts. `position` orders the jobs of one state: those that wait
//! by when they became ready, or by turn where tenants take turns (`share` says whose); those that are finished by when they finished. Of the waiting jobs with one serial key all but the
//! next are `held`, and while one is active all are: `athyper_jobs_turn` allows no second one. `keep_until` is there for finished
//! jobs and for no others. Queues with limits have them as JSON, and a row for each period that has begun.
//!
//! A child names its parent by number; what the parent knows of it is a row of `athyper_job_children`, which outlives the child. It is
//! `waiting` until it has `completed` or `failed`, or is `holding` the parent after a failure. `has_children` is set for parents and for no others.
//!
//! Messages of the outbox wait until they are moved, or have `failed_at`. A destination has one batch under way at most: `moving` are
//! the places (`seq`) of its messages. `athyper_deliveries` are the batches of other databases' outboxes that have arrived here.
//!
//! Text is compared by its bytes (`COLLATE "C"`). Jobs come and go fast, so their table is vacuumed early: dead rows before the
//! first that waits would slow down every take.

use crate::foundation::sql::{Migration, MigrationSet};

/// Our own migrations.
pub(super) fn migrations() -> MigrationSet {
    MigrationSet {
        table: "athyper_migrations",
        migrations: vec![
            Migration { version: 1, name: "jobs, schedules and leases", sql: FIRST },
            Migration { version: 2, name: "turns of tenants", sql: TURNS },
            Migration { version: 3, name: "limits of queues", sql: LIMITS },
            Migration { version: 4, name: "checkpoints, and jobs that are cancelled", sql: CHECKPOINTS },
            Migration { version: 5, name: "logs of jobs", sql: LOGS },
            Migration { version: 6, name: "flows: parents and children", sql: FLOWS },
            Migration { version: 7, name: "the outbox", sql: OUTBOX },
        ],
    }
}

const TURNS: &str = r#"
ALTER TABLE athyper_jobs ADD COLUMN share TEXT COLLATE "C";
CREATE INDEX athyper_jobs_turns ON athyper_jobs (queue, share, priority, position)
    WHERE state = 'waiting' AND share IS NOT NULL;
CREATE INDEX athyper_jobs_turns_given ON athyper_jobs (queue, position)
    WHERE state = 'waiting' AND share IS NOT NULL;
CREATE INDEX athyper_jobs_turns_taken ON athyper_jobs (queue, priority, position)
    WHERE state = 'active' AND share IS NOT NULL;
CREATE INDEX athyper_jobs_turns_due ON athyper_jobs (queue, due_at)
    WHERE state = 'waiting' AND share IS NOT NULL;
"#;

const LIMITS: &str = r#"
ALTER TABLE athyper_queues ADD COLUMN limits TEXT;
CREATE TABLE athyper_periods (
    queue TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    taken BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    PRIMARY KEY (queue, scope)
);
"#;

const CHECKPOINTS: &str = r#"
ALTER TABLE athyper_jobs ADD COLUMN checkpoint BYTEA;
ALTER TABLE athyper_jobs ADD COLUMN cancelled BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX athyper_jobs_cancelled ON athyper_jobs (queue) WHERE state = 'active' AND cancelled;
"#;

const LOGS: &str = r#"
ALTER TABLE athyper_jobs ADD COLUMN logged BIGINT NOT NULL DEFAULT 0;
CREATE TABLE athyper_job_logs (
    job BIGINT NOT NULL,
    number BIGINT NOT NULL,
    text BYTEA NOT NULL,
    PRIMARY KEY (job, number)
);
"#;

const FLOWS: &str = r#"
ALTER TABLE athyper_jobs ADD COLUMN parent BIGINT;
ALTER TABLE athyper_jobs ADD COLUMN has_children BOOLEAN;
CREATE INDEX athyper_jobs_waiting_children ON athyper_jobs (queue, seq) WHERE state = 'waiting-children';
CREATE TABLE athyper_job_children (
    parent BIGINT NOT NULL,
    queue TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    place BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    when_failed TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    result BYTEA,
    error TEXT,
    PRIMARY KEY (parent, queue, id)
);
CREATE INDEX athyper_job_children_open ON athyper_job_children (parent) WHERE state IN ('waiting', 'holding');
CREATE INDEX athyper_job_children_holding ON athyper_job_children (queue, id) WHERE state = 'holding';
"#;

const OUTBOX: &str = r#"
CREATE TABLE athyper_outbox (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    destination TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    payload BYTEA NOT NULL,
    context TEXT NOT NULL,
    alone BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    failed_at BIGINT,
    error TEXT
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX athyper_outbox_waiting ON athyper_outbox (destination, seq)
    WHERE failed_at IS NULL;
CREATE INDEX athyper_outbox_failed ON athyper_outbox (destination, failed_at)
    WHERE failed_at IS NOT NULL;
CREATE TABLE athyper_outbox_relays (
    destination TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    source TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    moving TEXT NOT NULL
);
CREATE TABLE athyper_deliveries (
    source TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (source, number)
);
"#;

const FIRST: &str = r#"
CREATE TABLE athyper_queues (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    paused BOOLEAN NOT NULL DEFAULT FALSE
);

CREATE TABLE athyper_jobs (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    payload BYTEA NOT NULL,
    context TEXT NOT NULL,
    options TEXT NOT NULL,
    priority BIGINT NOT NULL,
    serial_key TEXT COLLATE "C",
    keep_completed_count BIGINT NOT NULL,
    keep_completed_age BIGINT NOT NULL,
    keep_failed_count BIGINT NOT NULL,
    keep_failed_age BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    held BOOLEAN NOT NULL DEFAULT FALSE,
    position BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    keep_until BIGINT,
    attempts_started BIGINT NOT NULL DEFAULT 0,
    attempts_made BIGINT NOT NULL DEFAULT 0,
    stalls BIGINT NOT NULL DEFAULT 0,
    worker TEXT,
    lock_boot TEXT,
    lock_until BIGINT,
    progress BYTEA,
    result BYTEA,
    error TEXT,
    UNIQUE (queue, id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.1);

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
    queue TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    job TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (queue, key)
);
CREATE INDEX athyper_job_keys_job ON athyper_job_keys (queue, job);
CREATE INDEX athyper_job_keys_expires_at ON athyper_job_keys (expires_at);

CREATE TABLE athyper_schedules (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    definition TEXT NOT NULL,
    high_water BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    since BIGINT NOT NULL,
    last_queue TEXT,
    last_job TEXT
);

CREATE TABLE athyper_leases (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    holder TEXT,
    boot_id TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
"#;
