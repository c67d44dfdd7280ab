//! Setting the log up.

use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt;

use super::layer::LineLayer;
use super::line::LineFormat;
use super::writer::{self, WriterThread};
use crate::foundation::clock::Clock;
use crate::foundation::error::{Error, ErrorKind, Result};

/// Where lines go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LogTarget {
    /// Standard error.
    #[default]
    StandardError,
    /// A file, appended to. Rotate it by copying and truncating.
    File(PathBuf),
}

/// What is logged, how and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOptions {
    /// A level, or levels by module such as `info,billing=debug`.
    pub filter: String,
    /// How a line looks.
    pub format: LineFormat,
    /// Where lines go.
    pub target: LogTarget,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LineFormat::Text, target: LogTarget::StandardError }
    }
}

/// The log of a process. Dropping it writes what still waits.
#[derive(Debug)]
#[must_use]
pub struct Log {
    _thread: WriterThread,
}

impl Log {
    /// A subscriber for `tracing` that writes lines, and the log behind it.
    ///
    /// Lines are written by a thread of their own: who logs never waits for a disk. What comes faster than it can be written is
    /// dropped, and a line says how much.
    ///
    /// # Errors
    /// `Configuration` when the filter does not parse, `Unavailable` when the file cannot be opened.
    pub fn subscriber(options: &LogOptions, clock: Arc<dyn Clock>) -> Result<(impl Subscriber + Send + Sync, Self)> {
        let filter = parse_filter(&options.filter).map_err(|error| {
            let text = format!("the log filter `{}` does not parse", options.filter);
            Error::configuration(text).with_code("ATH-LOG-FILTER").with_source(error)
        })?;
        let mut format = options.format;
        let target: Box<dyn Write + Send> = match &options.target {
            LogTarget::StandardError => {
                if format == LineFormat::Text && std::io::stderr().is_terminal() {
                    format = LineFormat::Coloured;
                }
                Box::new(std::io::stderr())
            }
            LogTarget::File(path) => Box::new(open(path)?),
        };
        let (writer, thread) = writer::start(target)
            .map_err(|error| Error::unavailable("the log gets no thread").with_code("ATH-LOG").with_source(error))?;
        let layer = LineLayer { clock, format, writer };
        Ok((tracing_subscriber::registry().with(filter).with(layer), Self { _thread: thread }))
    }

    /// Makes it the log of the whole process. Only the generated `main`, or a `main` of one's own, should.
    ///
    /// # Errors
    /// As for [`subscriber`](Self::subscriber); `Configuration` when the process has a log already.
    pub fn install(options: &LogOptions, clock: Arc<dyn Clock>) -> Result<Self> {
        let (subscriber, log) = Self::subscriber(options, clock)?;
        tracing::subscriber::set_global_default(subscriber).map_err(|error| {
            Error::configuration("the process has a log already").with_code("ATH-LOG-TWICE").with_source(error)
        })?;
        Ok(log)
    }
}

fn parse_filter(filter: &str) -> std::result::Result<EnvFilter, ParseError> {
    EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse(filter)
}

/// Whether a filter parses, and if not, why.
pub(crate) fn check_filter(filter: &str) -> std::result::Result<(), ParseError> {
    parse_filter(filter).map(drop)
}

fn open(path: &PathBuf) -> Result<std::fs::File> {
    if let Some(folder) = path.parent() {
        // If it fails, opening the file fails with the better message.
        let _ = std::fs::create_dir_all(folder);
    }
    OpenOptions::new().create(true).append(true).open(path).map_err(|error| {
        let text = format!("the log file {} cannot be opened: {error}", path.display());
        Error::new(ErrorKind::Unavailable, text).with_code("ATH-LOG-FILE").with_source(error)
    })
}

/// Waits until everything that this process logged is written; for whoever is about to end it.
pub(crate) fn flush_installed() {
    tracing::dispatcher::get_default(|dispatch| {
        if let Some(layer) = dispatch.downcast_ref::<LineLayer>() {
            layer.writer.flush();
        }
    });
}
