//! What is typed behind `jobs`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::foundation::duration::parse_duration;
use crate::foundation::jobs::JobState;

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
        #[arg(long, value_enum, value_delimiter = ',')]
        state: Vec<State>,
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
    /// Make failed jobs ready again, with all their attempts
    Retry(Which),
    /// Make delayed and parked jobs ready now
    Promote(Which),
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
        #[arg(long, value_enum)]
        state: Finished,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum State {
    Waiting,
    Delayed,
    Parked,
    Active,
    Completed,
    Failed,
}

impl From<State> for JobState {
    fn from(state: State) -> Self {
        match state {
            State::Waiting => Self::Waiting,
            State::Delayed => Self::Delayed,
            State::Parked => Self::Parked,
            State::Active => Self::Active,
            State::Completed => Self::Completed,
            State::Failed => Self::Failed,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Finished {
    Completed,
    Failed,
}

impl From<Finished> for JobState {
    fn from(state: Finished) -> Self {
        match state {
            Finished::Completed => Self::Completed,
            Finished::Failed => Self::Failed,
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "write a duration such as `90s`, `1h 30m` or `7d`".to_owned())
}
