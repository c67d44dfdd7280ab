//! Panics go to the log, too.

use std::panic::PanicHookInfo;

/// Logs every panic of the process, on whatever thread, instead of printing it. Only the generated `main` does so.
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(
            target: "athyper::panic",
            location = location.as_deref(),
            thread = std::thread::current().name(),
            "panicked: {}",
            said(panic)
        );
        super::flush_installed();
    }));
}

fn said<'a>(panic: &'a PanicHookInfo<'_>) -> &'a str {
    panic.payload_as_str().unwrap_or("something that is no text")
}
