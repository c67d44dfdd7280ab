//! What is typed behind the product's name.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand, ValueEnum};

use super::Output;
use super::jobs::Jobs;
use super::outbox::Outbox;

/// The exit code of a wrong use (`EX_USAGE`).
const USAGE: u8 = 64;

/// Runs this product, or shows what it is made of.
#[derive(Debug, Parser)]
#[command(after_help = "Without a command the product runs. MODE=api|worker|scheduler|all picks its parts, \
    ATHYPER_PROFILE=dev|test|prod the profile; `config` lists every key.")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(super) enum Command {
    /// Run the product (the default)
    Run,
    /// Check configuration, object graph, jobs and schedules, without starting anything
    Check {
        /// Try every store too; a database file that is missing is made
        #[arg(long)]
        connect: bool,
        #[command(flatten)]
        format: Json,
    },
    /// List the HTTP routes and what every request passes
    Routes(Json),
    /// List the jobs, or look after those in the queues
    Jobs(Jobs),
    /// Look after the messages that wait in the outbox to be moved to another store
    Outbox(Outbox),
    /// List the schedules, each with its next tick
    Schedules(Json),
    /// Draw who provides what to whom
    Graph {
        /// The language of the drawing
        #[arg(long, value_enum, default_value_t = Drawing::Mermaid, conflicts_with = "json")]
        format: Drawing,
        #[command(flatten)]
        json: Json,
    },
    /// List every key of the configuration, its value and where it came from
    Config(Json),
    /// Add a job, and print its id
    Enqueue {
        /// The job's name, or queue/name
        name: String,
        /// The payload, as JSON
        payload: String,
        #[command(flatten)]
        format: Json,
    },
    /// Bring the database's schema up to date
    Migrate(Json),
}

/// For whom to print.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::Args)]
pub(super) struct Json {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// The language of a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Drawing {
    /// <https://mermaid.js.org>
    Mermaid,
    /// <https://graphviz.org>
    Dot,
}

/// Reads the arguments, the program's own name first.
///
/// # Errors
/// What to print instead: the help that was asked for, or how to use it rightly.
pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Output> {
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => Ok(arguments.command.unwrap_or(Command::Run)),
        Err(error) => Err(match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Output::text(error.render().to_string()),
            _ => Output { stderr: error.render().to_string(), exit_code: USAGE, ..Output::default() },
        }),
    }
}
