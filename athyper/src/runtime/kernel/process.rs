//! Running a kernel as a process: signals and exit codes.

use super::checked::Kernel;
use super::running::{KernelHandle, StopReport};
use crate::foundation::problem::Problems;
use crate::runtime::telemetry::flush_installed;

/// Starts the kernel, runs it until the process is told to stop, and tells the exit code: 0 only if everything stopped in time.
///
/// SIGTERM and SIGINT (Ctrl-C elsewhere than on Unix) begin an orderly stop; a second one ends the process at once.
///
/// # Errors
/// What kept the kernel from starting.
pub(crate) async fn run_until_signal(kernel: Kernel) -> Result<u8, Problems> {
    let mut signals = Signals::listen();
    let running = tokio::select! {
        running = kernel.start() => running?,
        // Told to stop before it had started: what had started goes down with the process.
        name = signals.next() => {
            tracing::warn!(signal = name, "stopped while starting");
            return Ok(1);
        }
    };
    let watcher = tokio::spawn(watch(signals, running.handle()));
    let report = running.join().await;
    watcher.abort();
    Ok(match report {
        Ok(report) => exit_code(&report),
        Err(error) => {
            tracing::error!(error = %error.report(), "the kernel did not stop");
            1
        }
    })
}

fn exit_code(report: &StopReport) -> u8 {
    u8::from(!report.is_clean())
}

async fn watch(mut signals: Signals, handle: KernelHandle) {
    let name = signals.next().await;
    tracing::info!(signal = name, "told to stop");
    handle.shutdown();
    let name = signals.next().await;
    tracing::error!(signal = name, "told to stop again: ending at once");
    flush_installed();
    #[allow(clippy::exit, reason = "a second signal ends the process at once, whatever is still running")]
    std::process::exit(1);
}

#[cfg(unix)]
struct Signals {
    terminate: Option<tokio::signal::unix::Signal>,
    interrupt: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind, name| match signal(kind) {
            Ok(signal) => Some(signal),
            Err(error) => {
                tracing::error!(%error, signal = name, "this signal cannot be listened for");
                None
            }
        };
        Self {
            terminate: listen(SignalKind::terminate(), "SIGTERM"),
            interrupt: listen(SignalKind::interrupt(), "SIGINT"),
        }
    }

    async fn next(&mut self) -> &'static str {
        async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
            let received = match signal {
                Some(signal) => signal.recv().await,
                None => None,
            };
            if received.is_none() {
                std::future::pending::<()>().await;
            }
        }
        tokio::select! {
            () = received(&mut self.terminate) => "SIGTERM",
            () = received(&mut self.interrupt) => "SIGINT",
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Self {
        Self
    }

    async fn next(&mut self) -> &'static str {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "Ctrl-C cannot be listened for");
            std::future::pending::<()>().await;
        }
        "Ctrl-C"
    }
}
