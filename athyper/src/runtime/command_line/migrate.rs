//! `migrate`: bringing the database's schema up to date.

use serde_json::{Value, json};

use super::Output;
use super::arguments::Json;
use super::output::line;
use super::table::Table;
use crate::foundation::sql::AppliedMigration;
use crate::runtime::kernel::{Kernel, MigrationReport};

pub(super) async fn migrate(kernel: &Kernel, format: Json) -> Output {
    match kernel.migrate().await {
        Ok(report) if format.json => Output::json(&json!({
            "applied": report.applied.iter().map(describe).collect::<Vec<_>>(),
            "all": report.all.iter().map(describe).collect::<Vec<_>>(),
        })),
        Ok(report) => Output::text(table(&report)),
        Err(problems) => Output::problems(&problems),
    }
}

fn table(report: &MigrationReport) -> String {
    let mut table = Table::new(["VERSION", "MIGRATION", "APPLIED (UTC)", ""]);
    for migration in &report.all {
        let new = report.applied.iter().any(|applied| applied.version == migration.version);
        table.row([
            migration.version.to_string(),
            migration.name.clone(),
            migration.applied_at.format("%F %T").to_string(),
            if new { "now" } else { "" }.to_owned(),
        ]);
    }
    let mut text = table.or("the product has no migrations");
    match report.applied.len() {
        0 => line(&mut text, format_args!("\nnothing to do")),
        1 => line(&mut text, format_args!("\n1 migration was applied")),
        count => line(&mut text, format_args!("\n{count} migrations were applied")),
    }
    text
}

fn describe(migration: &AppliedMigration) -> Value {
    json!({
        "version": migration.version,
        "name": migration.name,
        "checksum": migration.checksum,
        "applied_at": migration.applied_at.to_rfc3339(),
    })
}
