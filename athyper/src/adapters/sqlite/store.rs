//! One database file as this process uses it: the writer, the readers, and what the ports share.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::OnceCell;

use super::connection;
use super::error::Fault;
use super::group_commit::{self, GroupCommit};
use super::migrations;
use super::options::{Location, Options};
use super::ram_folder::RamFolder;
use super::readers::Readers;
use super::schema;
use super::transaction::SqliteTransaction;
use super::writer::Writer;
use crate::adapters::sql::dialect::LockClock;
use crate::adapters::sql::job_queue::Wake;
use crate::adapters::sql::operation::{Operation, Session};
use crate::adapters::sql::store::SqlStore;
use crate::foundation::clock::Clock;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{Capabilities, QueueName};
use crate::foundation::sql::{Row, Statement, Tx};

/// What is fixed about a database.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) file: PathBuf,
    pub(super) options: Options,
    /// Goes with the last handle.
    _folder: Option<RamFolder>,
}

impl Settings {
    /// Why the file could not be opened.
    pub(super) fn explain(&self, failure: sqlx::Error) -> Error {
        Fault::of(&failure).into_error(failure, &self.file)
    }

    /// Whether both mean the same file, whatever their URLs say.
    pub(super) fn is_same_file(&self, other: &Self) -> bool {
        let real = |path: &Path| fs::canonicalize(path).ok();
        self.file == other.file || (real(&self.file).is_some() && real(&self.file) == real(&other.file))
    }
}

/// One database file as this process uses it.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) settings: Arc<Settings>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) writer: Writer,
    pub(super) readers: Readers,
    pub(super) group: Arc<GroupCommit>,
    wake: Wake,
    opened: OnceCell<()>,
    ours: OnceCell<()>,
}

impl Store {
    /// A store that opens the file on first use.
    pub(super) fn new(options: Options, clock: Arc<dyn Clock>) -> Result<Self> {
        let (file, folder) = match &options.location {
            Location::File(path) => {
                let path = std::path::absolute(path).map_err(|error| {
                    Error::configuration(format!("`{}` is not a path", path.display())).with_source(error)
                })?;
                (path, None)
            }
            Location::Memory => {
                let folder = RamFolder::create().map_err(|error| {
                    Error::unavailable("no folder could be made for a database in memory").with_source(error)
                })?;
                (folder.path().join("memory.db"), Some(folder))
            }
        };
        let settings = Arc::new(Settings { file, options, _folder: folder });
        let (writer, readers) = (Writer::new(settings.clone()), Readers::new(settings.clone()));
        let group = Arc::new(GroupCommit::new(writer.clone(), clock.clone()));
        Ok(Self {
            settings,
            clock,
            writer,
            readers,
            group,
            wake: Wake::default(),
            opened: OnceCell::new(),
            ours: OnceCell::new(),
        })
    }

    /// Makes the folder and the file if they are missing, and the first connection.
    pub(super) async fn open(&self) -> Result<()> {
        self.opened
            .get_or_try_init(|| async {
                if let Some(folder) = self.settings.file.parent() {
                    fs::create_dir_all(folder).map_err(|error| {
                        Error::configuration(format!(
                            "the folder `{}` for the database `{}` cannot be made: make it yourself, or name a place \
                             where this process may write",
                            folder.display(),
                            self.settings.file.display()
                        ))
                        .with_code("sqlite-cannot-open")
                        .with_source(error)
                    })?;
                }
                self.writer.connect().await
            })
            .await?;
        Ok(())
    }

    /// Brings our own tables up to date.
    pub(super) async fn prepare(&self) -> Result<()> {
        self.ours
            .get_or_try_init(|| async { migrations::migrate(self, &schema::migrations()).await.map(drop) })
            .await
            .copied()
    }

    /// Reads on a reader.
    pub(super) async fn read(&self, statement: Statement) -> Result<Vec<Row>> {
        self.try_read(statement).await?.map_err(|failure| failure.into_error(&self.settings.file))
    }

    /// Reads on a reader, telling a failure of the statement from one to get a reader.
    pub(super) async fn try_read(&self, statement: Statement) -> Result<Result<Vec<Row>, connection::Failure>> {
        self.open().await?;
        let mut reader = self.readers.take().await?;
        let outcome = connection::fetch(&mut reader, statement.sql, statement.values).await;
        if let Some(fault) = outcome.as_ref().err().and_then(connection::Failure::fault) {
            reader.give_up_after(fault);
        }
        Ok(outcome)
    }

    /// Lets go of every connection once what is under way has finished.
    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[async_trait]
impl SqlStore for Store {
    fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    fn lock_clock(&self) -> LockClock {
        group_commit::lock_clock(&*self.clock)
    }

    async fn read(&self, statement: Statement) -> Result<Vec<Row>> {
        Self::read(self, statement).await
    }

    async fn run<O: Operation>(&self, operation: O) -> Result<O::Answer> {
        self.group.run(operation).await
    }

    fn run_detached<O: Operation>(&self, operation: O) {
        self.group.run_detached(operation);
    }

    fn session_in<'t>(&self, tx: &'t mut Tx) -> Option<Session<'t>> {
        let transaction = tx.inner().as_any().downcast_mut::<SqliteTransaction>()?;
        let is_here = transaction.settings().is_same_file(&self.settings);
        is_here.then(|| group_commit::session(transaction, &*self.clock))
    }

    fn capabilities(&self) -> Capabilities {
        let options = &self.settings.options;
        Capabilities {
            durable: options.is_durable(),
            shared: options.is_durable(),
            transactional: true,
            wake_up_within: options.poll,
        }
    }

    fn longest_rest(&self) -> Duration {
        self.settings.options.poll
    }

    fn wake(&self) -> &Wake {
        &self.wake
    }

    /// Other processes look by themselves.
    fn announce(&self, _: &QueueName) {}

    fn place(&self) -> String {
        self.settings.file.display().to_string()
    }
}
