//! A file that does without the prelude.

use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, framework::jobs::Job)]
struct WriteAuditLine {
    text: String,
}

#[framework::job]
async fn write_audit_line(job: WriteAuditLine) -> framework::Result<()> {
    println!("audit: {}", job.text);
    Ok(())
}
