//! The attributes and derives of the athyper framework. Products use them through `athyper`, never this crate.
//!
//! Each macro lies in a folder of its own: `parse` reads what stands there, `model` checks all of it and collects every
//! error, `expand` turns a checked model into tokens and cannot fail. On an error the item is emitted as it was, with
//! whatever makes the rest of the product compile, so that one mistake gives one message.
//!
//! # Names
//! The output names `athyper::private` and the standard library, nothing else. `athyper` is found as the dependency of that
//! name, or through `use …::prelude::*` when the product gave it another one; a module without the prelude then needs
//! `extern crate other_name as athyper;` in the root of the crate.
#![forbid(unsafe_code)]
#![allow(clippy::large_enum_variant, reason = "a macro holds one model at a time, and not for long")]

mod common;
mod config;
mod entry;
mod failure;
mod inject;
mod job;
mod port;
mod row;
mod scheduled;
mod test;

use proc_macro::TokenStream;

/// Makes a struct or a function a component of the container.
///
/// On a struct, every field comes from the container: `Arc<T>`, `Arc<dyn Trait>`, `Option<Arc<T>>`, `Vec<Arc<dyn Trait>>`,
/// `Lazy<T>`, `Config<T>`, `Context`. `#[inject(name = "…")]` on a field asks for a named provider; `#[inject(default)]`
/// fills it with `Default::default()` instead. The struct can still be built by hand.
///
/// On a function, `async` or not, every parameter does, and what it returns is the component: `Arc<T>`,
/// `Arc<dyn Trait>`, `T`, or a `Result` of one of them. It can still be called.
///
/// | option | means |
/// | --- | --- |
/// | `scope = singleton` | how long it lives: `singleton` (the default, once), `request` (once a request or job), `transient` (anew) |
/// | `name = "…"` | one of several of a type, asked for with `#[inject(name = "…")]` |
/// | `as = dyn Trait` | on a struct: the trait finds it too; may be repeated |
/// | `order = 10` | its place in a `Vec` of all; smaller comes first, the default is 0 |
/// | `close = path` | `async fn(&T) -> Result<()>`, called when the kernel has stopped, in reverse order of construction |
///
/// ```
/// use athyper::prelude::*;
///
/// #[port]
/// trait Mailer: Send + Sync {
///     async fn send(&self, to: &str) -> Result<()>;
/// }
///
/// struct Smtp;
///
/// #[port]
/// impl Mailer for Smtp {
///     async fn send(&self, _to: &str) -> Result<()> {
///         Ok(())
///     }
/// }
///
/// #[inject]
/// async fn mailer() -> Result<Arc<dyn Mailer>> {
///     Ok(Arc::new(Smtp))
/// }
///
/// #[inject]
/// struct SignUp {
///     mailer: Arc<dyn Mailer>,
/// }
///
/// let by_hand = SignUp { mailer: Arc::new(Smtp) };
/// # let _ = by_hand.mailer;
/// ```
#[proc_macro_attribute]
pub fn inject(arguments: TokenStream, item: TokenStream) -> TokenStream {
    inject::attribute(arguments.into(), item.into()).into()
}

/// Makes an `async fn` the handler of a job.
///
/// The first parameter that is neither a `JobContext` nor marked `#[inject]` is the payload; it becomes a `Job`. The
/// function returns nothing, a `JobOutcome`, or a `Result` of a value or `JobOutcome`. It can still be called.
///
/// | option | means | default |
/// | --- | --- | --- |
/// | `queue = "email"` | the queue it waits in | `default` |
/// | `attempts = 3` | how often it may start before it counts as failed | 3 |
/// | `backoff = "exponential 1s max 1h jitter 0.2"` | the wait between attempts: `fixed`, `linear` or `exponential` | `exponential 1s` |
/// | `timeout = "30s"` | how long one attempt may take | no limit |
/// | `priority = high` | `critical`, `high`, `normal`, `low` | `normal` |
/// | `ordering = fair` | `priority`, `fifo` or `fair` (tenants take turns): a property of the queue | `priority` |
/// | `concurrency = 5` | how many jobs of the queue run at once in one process | the kernel's |
/// | `total_concurrency = 20` | how many of them run at once in all processes | no limit |
/// | `rate = "100/1m"` | how many of them start within a time, in all processes | no limit |
/// | `tenant_concurrency = 2`, `tenant_rate = "10/1s"` | the same for each tenant, with `ordering = fair` | no limit |
/// | `keep_completed = "1000, 1d"` | how many completed jobs stay, and how long | 1,000 for a day |
/// | `keep_failed = "10000, 30d"` | the same for failed ones | 10,000 for 30 days |
/// | `contract` | the payload says all of this itself: see [`Job`](macro@Job) | |
///
/// ```
/// use athyper::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Job)]
/// struct Welcome {
///     to: String,
/// }
///
/// #[job(queue = "email", attempts = 3, backoff = "exponential 1s", timeout = "30s")]
/// async fn welcome(job: Welcome, context: JobContext) -> Result<()> {
///     println!("attempt {} to welcome {}", context.attempt(), job.to);
///     Ok(())
/// }
///
/// assert_eq!(<Welcome as athyper::jobs::Job>::KIND, "welcome");
/// ```
#[proc_macro_attribute]
pub fn job(arguments: TokenStream, item: TokenStream) -> TokenStream {
    job::attribute(arguments.into(), item.into()).into()
}

/// Says who a payload is on the wire.
///
/// Its kind is the type's name in snake case, its version 1, unless `#[job(…)]` below the derive says otherwise:
/// `name = "…"`, `version = 2`, `aliases = ["old_name"]`. How it runs stands on the handler's [`job`](macro@job).
///
/// While a new version is rolled out, jobs of the old shape still wait. `upcasts` names the earlier shapes, each with a `From`: a job
/// of one of them reaches the handler as the new one. An earlier shape says its version by a derive of its own; without one it is
/// the first.
///
/// ```
/// use athyper::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Deserialize)]
/// struct WelcomeV1(String);
///
/// #[derive(Serialize, Deserialize, Job)]
/// #[job(version = 2, upcasts = [WelcomeV1])]
/// struct Welcome {
///     to: String,
/// }
///
/// impl From<WelcomeV1> for Welcome {
///     fn from(WelcomeV1(to): WelcomeV1) -> Self {
///         Self { to }
///     }
/// }
///
/// #[job]
/// async fn welcome(welcome: Welcome) {
///     println!("Welcome, {}", welcome.to);
/// }
/// ```
///
/// A payload whose handler is in another crate is a *contract*: `#[job(contract, output = Report, queue = "reports", …)]` on
/// the payload says everything, and the handler is `#[job(contract)]`, at most with `concurrency` and limits.
///
/// ```
/// use athyper::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Job)]
/// #[job(contract, queue = "reports", output = u64)]
/// struct CountUsers;
///
/// #[job(contract)]
/// async fn count_users(_: CountUsers) -> Result<u64> {
///     Ok(42)
/// }
/// ```
#[proc_macro_derive(Job, attributes(job))]
pub fn derive_job(input: TokenStream) -> TokenStream {
    job::derive(input.into()).into()
}

/// Lets an `async fn` run when a cron expression says so: once a tick, in one process of all.
///
/// The expression has five fields (minute first) or six (second first), and the zone is one of the IANA database; both are
/// checked when the product is compiled. The function takes what `#[inject]` stands before, a `Tick` and a `JobContext`
/// if it wants them. It can still be called.
///
/// | option | means | default |
/// | --- | --- | --- |
/// | `tz = "Europe/Berlin"` | the zone whose clock counts | UTC |
/// | `missed = once` | what becomes of ticks while no scheduler ran: `skip`, `once`, `all` | `once` |
/// | `overlap = skip` | what becomes of a tick while an earlier one runs: `skip`, `queue`, `allow` | `skip` |
/// | `name = "…"` | the schedule's name | the function's |
///
/// The options of a [`job`](macro@job) say how a tick's job runs; `concurrency` is not among them.
///
/// ```
/// use athyper::prelude::*;
///
/// #[scheduled("0 0 * * *", tz = "Europe/Berlin", timeout = "10m")]
/// async fn daily_report(tick: Tick) -> Result<()> {
///     println!("the report of {}", tick.at);
///     Ok(())
/// }
/// ```
#[proc_macro_attribute]
pub fn scheduled(arguments: TokenStream, item: TokenStream) -> TokenStream {
    scheduled::attribute(arguments.into(), item.into()).into()
}

/// Reads a struct from the configuration, or an enum from one of its words.
///
/// On a struct: `#[config(section = "smtp")]` makes it a section; without it, it is a table inside one.
/// `check = path` names a `fn(&Self, &mut SectionCheck)` that looks at the whole.
///
/// | option of a field | means |
/// | --- | --- |
/// | `default = 587` | the value when nobody says one: a literal, a list of literals, or any expression; alone, `Default::default()` |
/// | `prod_default = "5s"` | another one in profile `prod` |
/// | `variable = "SMTP_PORT"` | a short variable that sets it too |
/// | `insecure_in_prod = "…"` | profile `prod` refuses to start when nobody says a value, for this reason |
/// | `parse` | read by `FromStr` |
/// | `deserialize` | read by serde; not shown by `config`, unless `shown` stands here too |
/// | `secret` | never shown |
///
/// The words of an enum are its variants in snake case, or what `#[config(word = "…")]` says.
///
/// ```
/// use athyper::config::Secret;
/// use athyper::prelude::*;
///
/// #[derive(Config)]
/// #[config(section = "smtp")]
/// struct SmtpConfig {
///     /// The mail server.
///     host: String,
///     #[config(default = 587)]
///     port: u16,
///     password: Secret<String>,
/// }
/// ```
#[proc_macro_derive(Config, attributes(config))]
pub fn derive_config(input: TokenStream) -> TokenStream {
    config::derive(input.into()).into()
}

/// Reads a struct from a row, by column name.
///
/// A field is read from the column of its name, or of `#[row(column = "…")]`. `#[row(json)]` reads a JSON document with
/// serde. With `#[row(default)]` a missing column or NULL is the type's default.
///
/// ```
/// use athyper::prelude::*;
///
/// #[derive(Row)]
/// struct User {
///     id: i64,
///     email: Option<String>,
///     #[row(json, default)]
///     tags: Vec<String>,
/// }
/// ```
#[proc_macro_derive(Row, attributes(row))]
pub fn derive_row(input: TokenStream) -> TokenStream {
    row::derive(input.into()).into()
}

/// Makes a product's error join `athyper::Error`: writes `Display`, `std::error::Error` and the conversion.
///
/// Each variant, or the struct, says its `kind` (what a caller can do about it: `invalid`, `unauthenticated`, `forbidden`,
/// `not_found`, `conflict`, `too_large`, `rate_limited`, `timeout`, `unavailable`, `cancelled`, `unknown_outcome`,
/// `configuration`, `internal`) and its `message`, with fields in braces. `code` is the variant's name in kebab case and
/// `status` the kind's, unless given. A field marked `#[source]` is the cause.
///
/// ```
/// use athyper::ErrorKind;
/// use athyper::prelude::*;
///
/// #[derive(Debug, Failure)]
/// enum SignUpError {
///     #[failure(kind = conflict, message = "{email} is taken")]
///     AddressTaken { email: String },
///     #[failure(kind = unavailable, code = "mail-down", message = "no mail can be sent")]
///     MailDown(#[source] std::io::Error),
/// }
///
/// fn sign_up() -> Result<()> {
///     Err(SignUpError::AddressTaken { email: "ada@example.org".into() })?
/// }
///
/// let error = sign_up().unwrap_err();
/// assert_eq!((error.kind(), error.code(), error.status()), (ErrorKind::Conflict, "address-taken", 409));
/// ```
#[proc_macro_derive(Failure, attributes(failure, source))]
pub fn derive_failure(input: TokenStream) -> TokenStream {
    failure::derive(input.into()).into()
}

/// Makes a trait a port: usable as `Arc<dyn Trait>` with its `async fn`s, and replaceable in tests.
///
/// It stands on the trait, which requires `Send + Sync`, and on each of its implementations. The futures are boxed.
///
/// ```
/// use athyper::prelude::*;
///
/// #[port]
/// trait Mailer: Send + Sync {
///     async fn send(&self, to: &str) -> Result<()>;
/// }
///
/// struct Silent;
///
/// #[port]
/// impl Mailer for Silent {
///     async fn send(&self, _to: &str) -> Result<()> {
///         Ok(())
///     }
/// }
///
/// let mailer: Arc<dyn Mailer> = Arc::new(Silent);
/// # let _ = mailer;
/// ```
#[proc_macro_attribute]
pub fn port(arguments: TokenStream, item: TokenStream) -> TokenStream {
    port::attribute(arguments.into(), item.into()).into()
}

/// Writes the product's `main`, and makes its crate a module.
///
/// It stands on the product's function, or, when that lies in a library so that tests can start it too, on the `use` that
/// brings it into the binary. `main` reads the environment and the files of configuration, sets the logger and the
/// signal handlers, and serves the command line. A function of another package is taken along as any module: name its crate
/// with `athyper::modules!(…)`.
///
/// ```no_run
/// use athyper::prelude::*;
///
/// async fn sign_up() -> StatusCode {
///     StatusCode::CREATED
/// }
///
/// #[athyper::main]
/// pub fn app(kernel: KernelBuilder) -> KernelBuilder {
///     kernel.routes(Router::new().route("/users", post(sign_up)))
/// }
/// ```
///
/// ```no_run
/// # mod my_product {
/// #     pub fn app(kernel: athyper::kernel::KernelBuilder) -> athyper::kernel::KernelBuilder { kernel }
/// # }
/// // src/main.rs of a product whose library says `athyper::module!();`
/// #[athyper::main]
/// use my_product::app;
/// ```
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    entry::attribute(arguments.into(), item.into()).into()
}

/// Runs a test against a product: `athyper_testkit::test` re-exports it.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    test::attribute(arguments.into(), item.into()).into()
}
