//! Holding jobs for longer, and what their attempts note.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::finish::{HELD, on_held};
use super::record::span;
use crate::adapters::sql::operation::{Operation, Session};
use crate::foundation::error::Result;
use crate::foundation::jobs::Lock;

/// Prolongs locks; answers with those that are lost.
pub(super) struct Renew {
    pub(super) locks: Vec<Lock>,
    pub(super) lock_for: Duration,
}

#[async_trait]
impl Operation for Renew {
    type Answer = Vec<Lock>;

    async fn apply(&self, session: &mut Session<'_>) -> Result<Vec<Lock>> {
        let end = session.locks.end_sql("$4");
        let sql = format!("UPDATE athyper_jobs SET lock_until = {end}, lock_boot = $5 WHERE {HELD}");
        let (until, boot) = (session.locks.end(span(self.lock_for)), session.locks.boot().to_owned());
        let mut lost = Vec::new();
        for lock in &self.locks {
            let renew = on_held(sql.clone(), lock).bind(until).bind(boot.as_str());
            if session.execute(renew).await? == 0 {
                lost.push(lock.clone());
            }
        }
        Ok(lost)
    }
}

/// What is written of a job that is held.
#[derive(Debug, Clone, Copy)]
pub(super) enum Note {
    Progress,
    Checkpoint,
}

/// Writes a note; answers whether the lock was good.
pub(super) struct Record {
    pub(super) lock: Lock,
    pub(super) note: Note,
    pub(super) json: Bytes,
}

#[async_trait]
impl Operation for Record {
    type Answer = bool;

    async fn apply(&self, session: &mut Session<'_>) -> Result<bool> {
        let column = match self.note {
            Note::Progress => "progress",
            Note::Checkpoint => "checkpoint",
        };
        let sql = format!("UPDATE athyper_jobs SET {column} = $4 WHERE {HELD}");
        Ok(session.execute(on_held(sql, &self.lock).bind(self.json.to_vec())).await? > 0)
    }
}
