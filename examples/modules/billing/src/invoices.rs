//! Invoices: a port, the component behind it, and a job that needs it.

use athyper::prelude::*;
use serde::{Deserialize, Serialize};

#[port]
trait Printer: Send + Sync {
    async fn print(&self, text: &str) -> Result<()>;
}

#[inject(as = dyn Printer)]
struct Console {
    settings: Config<BillingConfig>,
}

#[port]
impl Printer for Console {
    async fn print(&self, text: &str) -> Result<()> {
        println!("{} {text}", self.settings.sender);
        Ok(())
    }
}

#[derive(Debug, Config)]
#[config(section = "billing")]
struct BillingConfig {
    /// Who sends the invoices.
    #[config(default = "Example Ltd:")]
    sender: String,
}

#[derive(Debug, Serialize, Deserialize, Job)]
#[job(version = 2)]
struct PrintInvoice {
    number: u64,
}

#[job(queue = "invoices", attempts = 5, timeout = "1m")]
async fn print_invoice(job: PrintInvoice, #[inject] printer: Arc<dyn Printer>) -> Result<()> {
    printer.print(&format!("invoice {}", job.number)).await
}
