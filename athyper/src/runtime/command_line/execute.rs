//! Running one command.

use std::ffi::OsString;
use std::path::PathBuf;

use super::arguments::{Command, Json, parse};
use super::{Output, check, config, enqueue, graph, jobs, migrate, outbox, routes, schedules};
use crate::foundation::problem::Problems;
use crate::runtime::kernel::{Kernel, KernelBuilder, run_until_signal};

/// How a product is called: what a process finds around it, given by hand.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// What is typed behind the product's name.
    pub arguments: Vec<String>,
    /// The variables.
    pub environment: Vec<(String, String)>,
    /// The folder of `athyper.toml`; without it no file is read.
    pub directory: Option<PathBuf>,
}

impl Invocation {
    /// These arguments, without variables or a folder.
    #[must_use]
    pub fn new(arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { arguments: arguments.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

/// Runs one command of a product, as its binary does. `run` ends when the process is told to stop.
///
/// ```
/// use athyper::command_line::{Invocation, execute};
/// use athyper::http::{Router, get};
/// use athyper::kernel::KernelBuilder;
///
/// fn app(kernel: KernelBuilder) -> KernelBuilder {
///     kernel.without_inventory().routes(Router::new().route("/hello", get(|| async { "hello" })))
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let output = execute(app, Invocation::new(["routes"])).await;
/// assert!(output.stdout.contains("/hello"));
/// assert_eq!(output.exit_code, 0);
/// # });
/// ```
pub async fn execute<P>(product: P, invocation: Invocation) -> Output
where
    P: FnOnce(KernelBuilder) -> KernelBuilder,
{
    let arguments = invocation.arguments.iter().map(OsString::from);
    match parse(std::iter::once(OsString::from("product")).chain(arguments)) {
        Ok(command) => perform(command, product, invocation.environment, invocation.directory).await,
        Err(output) => output,
    }
}

pub(super) async fn perform<P>(
    command: Command,
    product: P,
    environment: Vec<(String, String)>,
    directory: Option<PathBuf>,
) -> Output
where
    P: FnOnce(KernelBuilder) -> KernelBuilder,
{
    let kernel = match build(product, environment, directory) {
        Ok(kernel) => kernel,
        Err(problems) => return failed(&command, &problems),
    };
    match command {
        Command::Run => match run_until_signal(kernel).await {
            Ok(exit_code) => Output { exit_code, ..Output::default() },
            Err(problems) => Output::problems(&problems),
        },
        Command::Check { connect, format } => check::check(&kernel, connect, format).await,
        Command::Routes(format) => routes::list(&kernel, format),
        Command::Jobs(arguments) => jobs::jobs(&kernel, arguments).await,
        Command::Outbox(arguments) => outbox::outbox(&kernel, arguments).await,
        Command::Schedules(format) => schedules::list(&kernel, format),
        Command::Graph { json: Json { json: true }, .. } => graph::list(&kernel),
        Command::Graph { format, .. } => graph::draw(&kernel, format),
        Command::Config(format) => config::list(&kernel, format),
        Command::Enqueue { name, payload, format } => enqueue::enqueue(&kernel, &name, &payload, format).await,
        Command::Migrate(format) => migrate::migrate(&kernel, format).await,
    }
}

pub(super) fn build<P>(
    product: P,
    environment: Vec<(String, String)>,
    directory: Option<PathBuf>,
) -> Result<Kernel, Problems>
where
    P: FnOnce(KernelBuilder) -> KernelBuilder,
{
    let builder = product(Kernel::builder()).environment(environment);
    match directory {
        Some(directory) => builder.directory(directory).build(),
        None => builder.build(),
    }
}

pub(super) fn failed(command: &Command, problems: &Problems) -> Output {
    match command {
        Command::Check { format, .. } => check::refuse(problems, *format),
        _ => Output::problems(problems),
    }
}
