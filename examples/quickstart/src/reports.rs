//! Reports that are made on a schedule.

use athyper::prelude::*;
use athyper::sql::sea_query::{Expr, ExprTrait, OnConflict, Order, Query};
use serde::Serialize;

/// Counts users and keeps the counts.
#[inject]
#[derive(Debug)]
pub struct Reports {
    db: Arc<Db>,
}

impl Reports {
    async fn build(&self, name: &str, tick: &Tick) -> Result<()> {
        let count = Query::select().expr(Expr::col("id").count()).from("users").to_owned();
        let (users,): (i64,) = self.db.fetch_one(count).await?;
        let insert = Query::insert()
            .into_table("reports")
            .columns(["tick", "name", "users"])
            .values_panic([tick.at.into(), name.into(), users.into()])
            .on_conflict(OnConflict::columns(["tick", "name"]).do_nothing().to_owned())
            .to_owned();
        self.db.execute(insert).await?;
        Ok(())
    }
}

/// Every midnight in Berlin, also on the days when the clocks change.
#[scheduled("0 0 * * *", tz = "Europe/Berlin")]
pub async fn daily_report(tick: Tick, #[inject] reports: Arc<Reports>) -> Result<()> {
    reports.build("daily", &tick).await
}

/// Every ten seconds, so that there is something to see.
#[scheduled("*/10 * * * * *", tz = "UTC", missed = skip)]
pub async fn sign_up_count(tick: Tick, #[inject] reports: Arc<Reports>) -> Result<()> {
    reports.build("sign-ups", &tick).await
}

/// A report as it was made.
#[derive(Debug, Serialize, Row)]
pub(crate) struct Report {
    tick: Timestamp,
    name: String,
    users: i64,
}

/// `GET /reports`: the latest hundred.
pub(crate) async fn list(Inject(db): Inject<Db>) -> Result<Json<Vec<Report>>> {
    let select = Query::select()
        .columns(["tick", "name", "users"])
        .from("reports")
        .order_by("tick", Order::Desc)
        .limit(100)
        .to_owned();
    Ok(Json(db.fetch_all(select).await?))
}
