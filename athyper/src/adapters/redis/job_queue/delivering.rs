//! Adding jobs that were committed elsewhere, once.

use ::redis::Value;

use super::Inner;
use super::adding::{accepted, queues_of};
use super::record::{prepare, read_list, read_text};
use crate::adapters::redis::connection::Repeat;
use crate::adapters::redis::error::strange;
use crate::adapters::redis::scripts::{DELIVER, DELIVER_FLOW};
use crate::foundation::error::Result;
use crate::foundation::jobs::{Delivered, Delivery, FlowShape, NewJob};

impl Inner {
    /// Adds jobs, all of them or none, unless this delivery has arrived before.
    pub(super) async fn deliver(&self, delivery: &Delivery, jobs: Vec<NewJob>) -> Result<Delivered> {
        let now = self.clock.now();
        let shape = FlowShape::of(jobs.iter())?;
        let prefix = &self.connections.options.prefix;
        let jobs = jobs.into_iter().map(|job| prepare(job, prefix, now)).collect::<Result<Vec<_>>>()?;
        let jobs: Vec<_> = jobs.iter().collect();
        self.remember(&queues_of(&jobs)).await?;
        let (script, call) = match &shape {
            Some(shape) => (&DELIVER_FLOW, self.flow_call_with(&jobs, shape)),
            None => (&DELIVER, self.call_with(&jobs)),
        };
        let mut call = call.number(delivery.number);
        call.push_key(self.connections.key(&format!("outbox:{}", delivery.source)));
        let answer = self.connections.run_here(script, call, Repeat::Freely).await?;
        if let Value::Array(_) = answer {
            // A child has another parent, and nothing was added.
            accepted(read_list(answer)?)?;
            return Err(strange("what became of a delivery"));
        }
        match read_text(answer).as_deref() {
            Some("now") => Ok(Delivered::Now),
            Some("before") => Ok(Delivered::Before),
            Some("overtaken") => Ok(Delivered::Overtaken),
            _ => Err(strange("what became of a delivery")),
        }
    }
}
