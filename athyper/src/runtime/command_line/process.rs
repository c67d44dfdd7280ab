//! The product as a process: its arguments, variables, folder, log and exit code.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use super::Output;
use super::arguments::{Command, parse};
use super::execute::{build, failed, perform};
use crate::foundation::error::{Error, ErrorKind};
use crate::foundation::problem::{Problem, ProblemClass, Problems};
use crate::runtime::config::process_environment;
use crate::runtime::config::sections::{LogConfig, LogFormat};
use crate::runtime::kernel::{Kernel, KernelBuilder, run_until_signal};
use crate::runtime::telemetry::{LineFormat, Log, LogOptions, LogTarget, log_panics};

/// What the generated `main` does. It alone reads what belongs to the whole process, and sets its logger and panic hook.
pub(crate) fn run_process(product: fn(KernelBuilder) -> KernelBuilder) -> ExitCode {
    let output = run(product, std::env::args_os());
    // Nobody is left to tell that standard output is closed.
    let _ = std::io::stdout().write_all(output.stdout.as_bytes());
    let _ = std::io::stderr().write_all(output.stderr.as_bytes());
    ExitCode::from(output.exit_code)
}

fn run(product: fn(KernelBuilder) -> KernelBuilder, arguments: impl IntoIterator<Item = OsString>) -> Output {
    let command = match parse(arguments) {
        Ok(command) => command,
        Err(output) => return output,
    };
    let environment = match process_environment() {
        Ok(environment) => environment,
        Err(problems) => return failed(&command, &problems),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Output::problems(&no_threads(&error).into()),
    };
    let directory = Some(PathBuf::from("."));
    if command != Command::Run {
        return runtime.block_on(perform(command, product, environment, directory));
    }
    let started = build(product, environment, directory).and_then(|kernel| {
        // Kept until the kernel has stopped: dropping it writes what still waits.
        let _log = log_as_configured(&kernel)?;
        log_panics();
        runtime.block_on(run_until_signal(kernel))
    });
    match started {
        Ok(exit_code) => Output { exit_code, ..Output::default() },
        Err(problems) => Output::problems(&problems),
    }
}

fn log_as_configured(kernel: &Kernel) -> Result<Log, Problems> {
    let refuse = |error: &Error| {
        let class = match error.kind() {
            ErrorKind::Unavailable => ProblemClass::Unavailable,
            _ => ProblemClass::Configuration,
        };
        Problems::from(Problem::new(class, "ATH-LOG", error.report()).with_fix("look at `log.file` and `log.filter`"))
    };
    let log = kernel.configuration().section::<LogConfig>().map_err(|error| refuse(&error))?;
    let options = LogOptions {
        filter: log.filter.clone(),
        format: match log.format {
            LogFormat::Text => LineFormat::Text,
            LogFormat::Json => LineFormat::Json,
        },
        target: log.file.clone().map_or(LogTarget::StandardError, LogTarget::File),
    };
    Log::install(&options, Arc::clone(kernel.clock())).map_err(|error| refuse(&error))
}

fn no_threads(error: &std::io::Error) -> Problem {
    Problem::new(ProblemClass::Unavailable, "ATH-START", format!("the system gives no threads: {error}"))
}
