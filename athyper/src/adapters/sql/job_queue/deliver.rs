//! Adding jobs that were committed elsewhere, once.

use std::sync::Arc;

use async_trait::async_trait;

use super::Shared;
use super::add::{Batch, add};
use crate::adapters::sql::dialect::behind;
use crate::adapters::sql::operation::{Operation, Session};
use crate::adapters::sql::store::SqlStore;
use crate::foundation::error::Result;
use crate::foundation::jobs::{Delivered, Delivery};
use crate::foundation::sql::Statement;

pub(super) struct Deliver<S: SqlStore> {
    pub(super) shared: Arc<Shared<S>>,
    pub(super) delivery: Delivery,
    pub(super) batch: Batch,
}

/// Two that come with the same number wait for one another.
const NOTE: &str =
    "INSERT INTO athyper_deliveries (source, number) VALUES ($1, $2) ON CONFLICT (source, number) DO NOTHING";
const LATER: &str = "SELECT 1 FROM athyper_deliveries WHERE source = $1 AND number > $2 LIMIT 1";
const TAKE_BACK: &str = "DELETE FROM athyper_deliveries WHERE source = $1 AND number = $2";

#[async_trait]
impl<S: SqlStore> Operation for Deliver<S> {
    /// A refusal is an answer: nothing was written.
    type Answer = Result<Delivered>;

    async fn apply(&self, session: &mut Session<'_>) -> Result<Result<Delivered>> {
        let Delivery { source, number } = &self.delivery;
        let on_delivery = |sql: &str| Statement::text(sql).bind(source.as_str()).bind(*number);
        if session.execute(on_delivery(NOTE)).await? == 0 {
            return Ok(Ok(Delivered::Before));
        }
        if !session.fetch(on_delivery(LATER)).await?.is_empty() {
            session.execute(on_delivery(TAKE_BACK)).await?;
            return Ok(Ok(Delivered::Overtaken));
        }
        let forget = format!(
            "DELETE FROM athyper_deliveries WHERE source = $1 AND number IN \
             (SELECT number FROM athyper_deliveries WHERE source = $1 ORDER BY number DESC {})",
            behind(session.dialect, "$2")
        );
        let kept = i64::from(Delivery::REMEMBERED);
        session.execute(Statement::text(forget).bind(source.as_str()).bind(kept)).await?;
        match add(session, &self.shared, &self.batch).await {
            Err(error) if error.code() == "job-flow-parent" => {
                session.execute(on_delivery(TAKE_BACK)).await?;
                Ok(Err(error))
            }
            added => added.map(|_| Ok(Delivered::Now)),
        }
    }
}
