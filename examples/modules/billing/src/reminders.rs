//! Reminders: a schedule.

use athyper::prelude::*;

#[scheduled("0 9 * * MON-FRI", tz = "Europe/Berlin", missed = once)]
async fn remind(tick: Tick) -> Result<()> {
    println!("reminders of {}", tick.at);
    Ok(())
}
