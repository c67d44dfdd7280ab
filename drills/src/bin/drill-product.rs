//! The drills' own product. Its jobs, handlers and schedules write down what they do, line by line, in a journal that
//! several processes append to: evidence that does not pass through the framework's own stores.
#![forbid(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::time::Duration;

use athyper::prelude::*;
use athyper::sql::{Migration, Statement};
use serde::{Deserialize, Serialize};

#[derive(Debug, Config)]
#[config(section = "drill")]
struct DrillConfig {
    /// Where the journal lies.
    journal: String,
}

/// The journal: each line is one write to a file opened for appending, so lines of several processes do not mix.
#[derive(Debug)]
struct Journal {
    file: File,
}

impl Journal {
    fn note(&self, line: &str) -> Result<()> {
        let line = format!("{line} {}\n", std::process::id());
        (&self.file).write_all(line.as_bytes()).map_err(|error| Error::internal("the journal").with_source(error))
    }
}

#[inject]
async fn journal(config: Config<DrillConfig>) -> Result<Arc<Journal>> {
    let file = OpenOptions::new().append(true).create(true).open(&config.journal);
    let file = file.map_err(|error| Error::configuration("the journal cannot be opened").with_source(error))?;
    Ok(Arc::new(Journal { file }))
}

/// A job that takes so many milliseconds.
#[derive(Debug, Clone, Serialize, Deserialize, Job)]
struct Work {
    id: String,
    milliseconds: u64,
}

/// Writes `start ID TOKEN PID`, works, writes `done ID TOKEN PID`.
#[job(queue = "work", concurrency = 4, attempts = 5, backoff = "fixed 200ms")]
async fn work(
    job: Work,
    #[inject] journal: Arc<Journal>,
    #[inject] clock: Arc<dyn Clock>,
    context: JobContext,
) -> Result<()> {
    journal.note(&format!("start {} {}", job.id, context.token()))?;
    clock.sleep(Duration::from_millis(job.milliseconds)).await;
    journal.note(&format!("done {} {}", job.id, context.token()))
}

/// A job that waits for its members.
#[derive(Debug, Clone, Serialize, Deserialize, Job)]
struct Family {
    id: String,
}

/// A job that a family waits for.
#[derive(Debug, Clone, Serialize, Deserialize, Job)]
struct Member {
    id: String,
    milliseconds: u64,
}

/// Writes `start ID TOKEN PID`, works, writes `done ID TOKEN PID`, and counts for one.
#[job(queue = "work", attempts = 5, backoff = "fixed 200ms")]
async fn member(
    job: Member,
    #[inject] journal: Arc<Journal>,
    #[inject] clock: Arc<dyn Clock>,
    context: JobContext,
) -> Result<u32> {
    journal.note(&format!("start {} {}", job.id, context.token()))?;
    clock.sleep(Duration::from_millis(job.milliseconds)).await;
    journal.note(&format!("done {} {}", job.id, context.token()))?;
    Ok(1)
}

/// Writes `start ID TOKEN PID`, then `members ID COUNT PID` with what its members count for, and `done ID TOKEN PID`.
#[job(queue = "families", concurrency = 4, attempts = 5, backoff = "fixed 200ms")]
async fn family(job: Family, #[inject] journal: Arc<Journal>, context: JobContext) -> Result<()> {
    journal.note(&format!("start {} {}", job.id, context.token()))?;
    let members: u32 = context.children().await?.results::<Member>()?.into_iter().sum();
    journal.note(&format!("members {} {members}", job.id))?;
    journal.note(&format!("done {} {}", job.id, context.token()))
}

/// A family and how many members it has.
#[derive(Debug, Deserialize)]
struct Founding {
    id: String,
    members: u32,
    milliseconds: u64,
}

/// `POST /families`: 201 once the family and its members, `ID/0` and so on, are committed.
async fn found_family(Inject(jobs): Inject<Jobs>, Json(founding): Json<Founding>) -> Result<StatusCode> {
    let member = |number| {
        let id = format!("{}/{number}", founding.id);
        jobs.enqueue(Member { id, milliseconds: founding.milliseconds })
    };
    let members: Vec<_> = (0..founding.members).map(member).collect();
    jobs.enqueue(Family { id: founding.id.clone() }).children(members).await?;
    Ok(StatusCode::CREATED)
}

/// How a handler misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Manner {
    /// It panics.
    Panic,
    /// It ends its process.
    Abort,
    /// It keeps its thread for three seconds, longer than the lock lasts.
    Block,
    /// It never ends by itself.
    Loop,
    /// It leaves 64 MiB behind each time.
    Leak,
    /// It returns what is no JSON: a number that JSON does not have.
    Garbage,
}

#[derive(Debug, Clone, Serialize, Deserialize, Job)]
struct Misbehave {
    id: String,
    manner: Manner,
}

/// Writes `start ID TOKEN PID`, and does what no handler should.
#[job(queue = "work", attempts = 2, backoff = "fixed 100ms", timeout = "4s")]
async fn misbehave(
    job: Misbehave,
    #[inject] journal: Arc<Journal>,
    #[inject] clock: Arc<dyn Clock>,
    context: JobContext,
) -> Result<f64> {
    journal.note(&format!("start {} {}", job.id, context.token()))?;
    match job.manner {
        Manner::Panic => panic!("as it was asked to"),
        Manner::Abort => std::process::abort(),
        #[allow(clippy::disallowed_methods, reason = "it blocks its thread on purpose")]
        Manner::Block => std::thread::sleep(Duration::from_secs(3)),
        Manner::Loop => loop {
            clock.sleep(Duration::from_millis(10)).await;
        },
        Manner::Leak => drop(Box::leak(vec![1_u8; 64 << 20].into_boxed_slice())),
        Manner::Garbage => return Ok(f64::NAN),
    }
    journal.note(&format!("done {} {}", job.id, context.token()))?;
    Ok(0.0)
}

/// `POST /misbehave`: 201 once the job is committed.
async fn add_misbehaviour(Inject(jobs): Inject<Jobs>, Json(job): Json<Misbehave>) -> Result<StatusCode> {
    jobs.enqueue(job).await?;
    Ok(StatusCode::CREATED)
}

/// `GET /counts`: how many jobs wait, are active, are completed and have failed, as the queue itself says.
async fn counts(Inject(jobs): Inject<Jobs>) -> Result<String> {
    let counts = jobs.administration().counts(&"work".into()).await?;
    Ok(format!("{} {} {} {}", counts.waiting + counts.delayed, counts.active, counts.completed, counts.failed))
}

/// `POST /work`: 201 once the job is committed.
async fn add_work(Inject(jobs): Inject<Jobs>, Json(work): Json<Work>) -> Result<StatusCode> {
    jobs.enqueue(work).await?;
    Ok(StatusCode::CREATED)
}

/// A job whose transaction also writes a row.
#[derive(Debug, Clone, Serialize, Deserialize, Job)]
struct Order {
    id: String,
}

/// Writes `start ID TOKEN PID` and `done ID TOKEN PID`. Nothing is kept of it: a second job of the id would not be taken for its
/// duplicate.
#[job(queue = "orders", concurrency = 4, attempts = 5, backoff = "fixed 200ms", keep_completed = "0, 1m")]
async fn order(job: Order, #[inject] journal: Arc<Journal>, context: JobContext) -> Result<()> {
    journal.note(&format!("start {} {}", job.id, context.token()))?;
    journal.note(&format!("done {} {}", job.id, context.token()))
}

/// How an order is placed.
#[derive(Debug, Deserialize)]
struct Placing {
    id: String,
    /// Whether the transaction is committed in the end.
    keep: bool,
    /// Whether the job is enqueued outside of the transaction, which is wrong.
    #[serde(default)]
    outside: bool,
}

/// `POST /orders`: a row and a job in one transaction. 201 once that is committed, 409 once it is undone.
async fn place_order(
    Inject(db): Inject<Db>,
    Inject(jobs): Inject<Jobs>,
    Json(placing): Json<Placing>,
) -> Result<StatusCode> {
    db.transaction(Isolation::Default, async |tx| {
        let row = Statement::text("INSERT INTO orders (id) VALUES ($1)").bind(placing.id.as_str());
        tx.execute(row).await?;
        let enqueue = jobs.enqueue(Order { id: placing.id.clone() });
        if placing.outside {
            enqueue.await?
        } else {
            enqueue.in_tx(tx).await?
        };
        if placing.keep { Ok(StatusCode::CREATED) } else { Err(Error::new(ErrorKind::Conflict, "it is not kept")) }
    })
    .await
}

/// `GET /orders`: the rows that are committed.
async fn orders(Inject(db): Inject<Db>) -> Result<String> {
    let rows: Vec<(String,)> = db.fetch_all(Statement::text("SELECT id FROM orders")).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect::<Vec<_>>().join(" "))
}

const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, name: "orders", sql: "CREATE TABLE orders (id TEXT PRIMARY KEY)" }];

/// `GET /slow/{id}/{milliseconds}`: writes `accepted ID PID`, then takes its time to answer.
async fn slow(
    Inject(journal): Inject<Journal>,
    Inject(clock): Inject<dyn Clock>,
    Path((id, milliseconds)): Path<(String, u64)>,
) -> Result<String> {
    journal.note(&format!("accepted {id}"))?;
    clock.sleep(Duration::from_millis(milliseconds)).await;
    Ok(format!("{id} answered"))
}

fn tick_line(name: &str, tick: &Tick) -> String {
    format!("tick {name} {}", tick.at.timestamp())
}

/// Every second; every tick that was missed runs later.
#[scheduled("* * * * * *", tz = "UTC", missed = all, overlap = allow)]
async fn all_ticks(tick: Tick, #[inject] journal: Arc<Journal>) -> Result<()> {
    journal.note(&tick_line("all", &tick))
}

/// Every ten seconds; of the ticks that were missed the latest runs later.
#[scheduled("*/10 * * * * *", tz = "UTC", missed = once, overlap = allow)]
async fn once_ticks(tick: Tick, #[inject] journal: Arc<Journal>) -> Result<()> {
    journal.note(&tick_line("once", &tick))
}

/// Every ten seconds; ticks that were missed are passed over.
#[scheduled("*/10 * * * * *", tz = "UTC", missed = skip, overlap = allow)]
async fn skip_ticks(tick: Tick, #[inject] journal: Arc<Journal>) -> Result<()> {
    journal.note(&tick_line("skip", &tick))
}

/// Every second, and takes longer than that: a tick whose predecessor still runs is passed over.
#[scheduled("* * * * * *", tz = "UTC", missed = skip, overlap = skip)]
async fn long_ticks(tick: Tick, #[inject] journal: Arc<Journal>, #[inject] clock: Arc<dyn Clock>) -> Result<()> {
    journal.note(&format!("long-start {}", tick.at.timestamp()))?;
    clock.sleep(Duration::from_millis(2_500)).await;
    journal.note(&format!("long-end {}", tick.at.timestamp()))
}

/// The product.
#[athyper::main]
fn app(kernel: KernelBuilder) -> KernelBuilder {
    kernel.migrations(MIGRATIONS).routes(
        Router::new()
            .route("/work", post(add_work))
            .route("/families", post(found_family))
            .route("/orders", post(place_order).get(orders))
            .route("/misbehave", post(add_misbehaviour))
            .route("/counts", get(counts))
            .route("/slow/{id}/{milliseconds}", get(slow)),
    )
}
