//! What is typed behind `jobs`.

use std::fmt::Display;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use crate::foundation::duration::parse_duration;
use crate::foundation::jobs::{JobState, Rate};

/// Which jobs there are, or what to do with those in the queues.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(in crate::runtime::command_line) struct Jobs {
    #[command(subcommand)]
    pub(super) action: Option<Action>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(super) enum Action {
    /// Count the jobs of each queue by state, with how long the oldest has been waiting
    Stats {
        /// Only this queue
        queue: Option<String>,
    },
    /// List jobs of a queue: in the order they would run, finished ones latest first
    List {
        queue: String,
        /// Only in these states
        #[arg(long, value_parser = state(|_| true), value_delimiter = ',')]
        state: Vec<JobState>,
        /// Only of this name
        #[arg(long)]
        kind: Option<String>,
        /// Pass over so many
        #[arg(long, default_value_t = 0)]
        offset: u64,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: u64,
    },
    /// Show all that is known of a job
    Show { queue: String, id: String },
    /// Print what the attempts of a job logged
    Logs { queue: String, id: String },
    /// Make failed jobs ready again, with all their attempts
    Retry(Which),
    /// Make delayed and parked jobs ready now
    Promote(Which),
    /// Cancel jobs: those that run are asked to stop, any others fail at once
    Cancel {
        queue: String,
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Remove jobs that no worker holds
    Remove {
        queue: String,
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Remove finished jobs of a queue
    Purge {
        queue: String,
        /// Which of them
        #[arg(long, value_parser = state(JobState::is_final))]
        state: JobState,
        /// Only those that finished so long ago, such as 7d
        #[arg(long, value_parser = duration)]
        older_than: Option<Duration>,
    },
    /// Remove the jobs of a queue that wait to be run
    Drain {
        queue: String,
        /// Those that are delayed or parked, too
        #[arg(long)]
        delayed: bool,
    },
    /// Show or set how much of a queue may run in all processes, from now on
    Limit {
        queue: String,
        /// How many jobs run at once, or `none`
        #[arg(long, value_parser = limit::<NonZeroU32>)]
        total_concurrency: Option<Setting<NonZeroU32>>,
        /// How many jobs start within a time, such as 100/1m, or `none`
        #[arg(long, value_parser = limit::<Rate>)]
        rate: Option<Setting<Rate>>,
        /// How many jobs of each tenant run at once, or `none`
        #[arg(long, value_parser = limit::<NonZeroU32>)]
        tenant_concurrency: Option<Setting<NonZeroU32>>,
        /// How many jobs of each tenant start within a time, or `none`
        #[arg(long, value_parser = limit::<Rate>)]
        tenant_rate: Option<Setting<Rate>>,
    },
    /// Hand out no more jobs of a queue; adding goes on
    Pause { queue: String },
    /// Hand out jobs of a queue again
    Resume { queue: String },
}

/// Some jobs of a queue, or all that the action fits.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(super) struct Which {
    pub(super) queue: String,
    #[arg(required_unless_present = "all")]
    pub(super) ids: Vec<String>,
    /// All of the queue
    #[arg(long, conflicts_with = "ids")]
    pub(super) all: bool,
}

/// Reads a state by its name, of those that `wanted` picks.
fn state(wanted: fn(JobState) -> bool) -> impl TypedValueParser<Value = JobState> {
    let names = JobState::ALL.into_iter().filter(move |state| wanted(*state)).map(JobState::as_str);
    PossibleValuesParser::new(names)
        .try_map(|name| JobState::ALL.into_iter().find(|state| state.as_str() == name).ok_or("no state has this name"))
}

/// A limit that is set or, by `none`, lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setting<T>(pub(super) Option<T>);

fn limit<T: FromStr<Err: Display>>(text: &str) -> Result<Setting<T>, String> {
    match text {
        "none" => Ok(Setting(None)),
        _ => text.parse().map(|limit| Setting(Some(limit))).map_err(|error: T::Err| format!("{error}, or `none`")),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "write a duration such as `90s`, `1h 30m` or `7d`".to_owned())
}
