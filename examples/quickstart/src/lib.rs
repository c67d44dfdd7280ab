//! A whole product: people sign up over HTTP, a background job welcomes them, schedules count them.
#![forbid(unsafe_code)]

mod mail;
mod reports;
mod schema;
mod users;

use athyper::prelude::*;

pub use mail::{MailConfig, Mailer, Welcome, welcome};
pub use reports::{Reports, daily_report, sign_up_count};
pub use users::{SignUp, User, UserError};

athyper::module!();

/// The product: a function from builder to builder, which `main`, tests and tools start.
pub fn app(kernel: KernelBuilder) -> KernelBuilder {
    kernel.migrations(schema::MIGRATIONS).routes(
        Router::new()
            .route("/users", post(users::sign_up).get(users::list))
            .route("/users/{id}", get(users::show))
            .route("/mails", get(mail::list))
            .route("/reports", get(reports::list)),
    )
}
