//! What is typed behind `outbox`.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use crate::foundation::duration::parse_duration;
use crate::foundation::outbox::OutboxState;

/// What to do with the messages in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(in crate::runtime::command_line) struct Outbox {
    #[command(subcommand)]
    pub(super) action: Action,
    /// Print JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(super) enum Action {
    /// List messages in the order they were written
    List {
        /// Only in this state
        #[arg(long, value_parser = state())]
        state: Option<OutboxState>,
        /// Pass over so many
        #[arg(long, default_value_t = 0)]
        offset: u64,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: u64,
    },
    /// Let messages that were refused be moved again
    Retry {
        #[arg(required_unless_present = "all")]
        ids: Vec<String>,
        /// All that were refused
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
    /// Remove messages that were refused: their jobs will never be
    Purge {
        /// Only those that were refused so long ago, such as 7d
        #[arg(long, value_parser = duration)]
        older_than: Option<Duration>,
    },
}

/// Reads a state by its name.
fn state() -> impl TypedValueParser<Value = OutboxState> {
    PossibleValuesParser::new(OutboxState::ALL.map(OutboxState::as_str)).try_map(|name| {
        OutboxState::ALL.into_iter().find(|state| state.as_str() == name).ok_or("no state has this name")
    })
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "write a duration such as `90s`, `1h 30m` or `7d`".to_owned())
}
