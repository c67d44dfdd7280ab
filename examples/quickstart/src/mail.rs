//! The welcome mail: a job, a port of the product's own, and what stands behind it.

use athyper::prelude::*;
use athyper::sql::sea_query::{OnConflict, Order, Query};
use serde::{Deserialize, Serialize};

/// Welcomes somebody who signed up.
#[derive(Debug, Clone, Serialize, Deserialize, Job)]
pub struct Welcome {
    /// The address.
    pub to: String,
}

/// Where mail leaves.
#[derive(Debug, Config)]
#[config(section = "mail")]
pub struct MailConfig {
    /// Who the mail is from.
    #[config(default = "welcome@example.org")]
    pub sender: String,
}

/// Sends mail. A port of the product's own: tests put a recorder in its place.
#[port]
pub trait Mailer: Send + Sync {
    /// Sends `text` to `to`; sending the same `id` again changes nothing.
    async fn send(&self, id: &str, to: &str, text: &str) -> Result<()>;
}

/// Sends the welcome mail.
#[job(queue = "email", concurrency = 5, attempts = 3, backoff = "exponential 1s", timeout = "30s")]
pub async fn welcome(job: Welcome, #[inject] mailer: Arc<dyn Mailer>, context: JobContext) -> Result<()> {
    // A job may run twice; its id does not change, so the mailer can tell.
    mailer.send(context.id().as_str(), &job.to, "Welcome!").await
}

/// Puts mail into a table, so that the quickstart needs no mail server; `GET /mails` shows it.
#[derive(Debug)]
struct TableMailer {
    db: Arc<Db>,
    clock: Arc<dyn Clock>,
    sender: String,
}

#[port]
impl Mailer for TableMailer {
    async fn send(&self, id: &str, to: &str, text: &str) -> Result<()> {
        let text = format!("From {}: {text}", self.sender);
        let insert = Query::insert()
            .into_table("mails")
            .columns(["job_id", "recipient", "text", "sent_at"])
            .values_panic([id.into(), to.into(), text.into(), self.clock.now().into()])
            .on_conflict(OnConflict::column("job_id").do_nothing().to_owned())
            .to_owned();
        self.db.execute(insert).await?;
        Ok(())
    }
}

#[inject]
async fn mailer(db: Arc<Db>, clock: Arc<dyn Clock>, config: Config<MailConfig>) -> Result<Arc<dyn Mailer>> {
    Ok(Arc::new(TableMailer { db, clock, sender: config.sender.clone() }))
}

/// A mail that was sent.
#[derive(Debug, Serialize, Row)]
pub(crate) struct Mail {
    job_id: String,
    recipient: String,
    text: String,
    sent_at: Timestamp,
}

/// `GET /mails`: the latest hundred.
pub(crate) async fn list(Inject(db): Inject<Db>) -> Result<Json<Vec<Mail>>> {
    let select = Query::select()
        .columns(["job_id", "recipient", "text", "sent_at"])
        .from("mails")
        .order_by("sent_at", Order::Desc)
        .limit(100)
        .to_owned();
    Ok(Json(db.fetch_all(select).await?))
}
