//! Rows that a task reads ahead of their consumer.

use std::future::Future;

use futures_core::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::mpsc;

use crate::foundation::error::{Error, Result};
use crate::foundation::sql::Row;

/// How many rows are read ahead.
const AHEAD: usize = 64;

/// Where the reading task puts its rows.
#[derive(Debug, Clone)]
pub(in crate::adapters) struct Rows(mpsc::Sender<Item>);

impl Rows {
    /// Hands a row on; `false` once nobody wants any more.
    pub(in crate::adapters) async fn send(&self, row: Row) -> bool {
        self.0.send(Item::Row(row)).await.is_ok()
    }
}

/// What the reading task sends.
#[derive(Debug)]
enum Item {
    Row(Row),
    Failed(Error),
    End,
}

/// Runs `read` in a task of its own, which begins with the first look at the stream and ends when the stream is dropped.
pub(in crate::adapters) fn read_ahead<F>(
    read: impl FnOnce(Rows) -> F + Send + 'static,
) -> BoxStream<'static, Result<Row>>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    async move {
        let (sender, receiver) = mpsc::channel(AHEAD);
        tokio::spawn(async move {
            let last = match read(Rows(sender.clone())).await {
                Ok(()) => Item::End,
                Err(error) => Item::Failed(error),
            };
            // Nobody listens any more when this fails.
            let _ = sender.send(last).await;
        });
        futures_util::stream::unfold(Some(receiver), |receiver| async move {
            let mut receiver = receiver?;
            match receiver.recv().await {
                Some(Item::Row(row)) => Some((Ok(row), Some(receiver))),
                Some(Item::Failed(error)) => Some((Err(error), None)),
                Some(Item::End) => None,
                None => Some((Err(Error::unavailable("the task that read the rows ended early")), None)),
            }
        })
    }
    .flatten_stream()
    .boxed()
}
