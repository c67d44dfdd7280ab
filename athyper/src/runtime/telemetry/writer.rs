//! Writes lines on a thread of its own, so that nobody who logs waits for a disk.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How much may wait to be written; beyond it lines are dropped, and counted.
const MOST_WAITING: usize = 8 * 1024 * 1024;
/// How long lines are gathered before they are written together.
const GATHER: Duration = Duration::from_millis(20);

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    dropped: u64,
    /// Whoever waits to know that everything is written, or an error line, wants no gathering.
    is_urgent: bool,
    is_closed: bool,
    /// How many batches were begun, and how many are on the disk.
    begun: u64,
    written: u64,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    done: Condvar,
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes lines and writes them later.
#[derive(Debug, Clone)]
pub(super) struct LineWriter(Arc<Shared>);

/// The thread behind a [`LineWriter`]: dropping it writes what waits and ends it.
#[derive(Debug)]
pub(super) struct WriterThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Begins to write to `target`.
pub(super) fn start(target: impl Write + Send + 'static) -> std::io::Result<(LineWriter, WriterThread)> {
    let shared = Arc::new(Shared::default());
    let thread = std::thread::Builder::new().name("athyper-log".to_owned()).spawn({
        let shared = Arc::clone(&shared);
        move || run(&shared, target)
    })?;
    Ok((LineWriter(Arc::clone(&shared)), WriterThread { shared, thread: Some(thread) }))
}

impl LineWriter {
    /// Takes one line with its line feed. It never waits for the disk.
    pub(super) fn push(&self, line: &[u8], is_urgent: bool) {
        let mut waiting = self.0.waiting();
        if waiting.lines.len() + line.len() > MOST_WAITING {
            waiting.dropped += 1;
            return;
        }
        let was_empty = waiting.lines.is_empty();
        waiting.lines.extend_from_slice(line);
        let becomes_urgent = is_urgent && !waiting.is_urgent;
        waiting.is_urgent |= is_urgent;
        drop(waiting);
        if was_empty || becomes_urgent {
            self.0.changed.notify_one();
        }
    }

    /// Waits until everything pushed before is written.
    pub(super) fn flush(&self) {
        let mut waiting = self.0.waiting();
        let goal = if waiting.lines.is_empty() { waiting.begun } else { waiting.begun + 1 };
        waiting.is_urgent = true;
        self.0.changed.notify_one();
        while waiting.written < goal && !waiting.is_closed {
            waiting = self.0.done.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        {
            let mut waiting = self.shared.waiting();
            waiting.is_closed = true;
            self.shared.changed.notify_one();
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.shared.done.notify_all();
    }
}

fn run(shared: &Shared, mut target: impl Write) {
    let mut batch = Vec::new();
    let mut lost = 0_u64;
    loop {
        let mut waiting = shared.waiting();
        while waiting.lines.is_empty() && !waiting.is_closed {
            waiting.is_urgent = false;
            waiting = shared.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if !waiting.is_urgent && !waiting.is_closed {
            let gathered = shared.changed.wait_timeout_while(waiting, GATHER, |waiting| {
                !waiting.is_urgent && !waiting.is_closed && waiting.lines.len() < MOST_WAITING / 2
            });
            waiting = gathered.unwrap_or_else(PoisonError::into_inner).0;
        }
        std::mem::swap(&mut waiting.lines, &mut batch);
        lost += std::mem::take(&mut waiting.dropped);
        waiting.is_urgent = false;
        waiting.begun += 1;
        let is_last = waiting.is_closed;
        drop(waiting);
        lost = write(&mut target, &batch, lost);
        batch.clear();
        // One burst should not hold its memory for ever.
        batch.shrink_to(256 * 1024);
        shared.waiting().written += 1;
        shared.done.notify_all();
        if is_last && shared.waiting().lines.is_empty() {
            return;
        }
    }
}

/// Writes a batch; how many lines are lost that nobody was told of.
fn write(target: &mut impl Write, batch: &[u8], lost: u64) -> u64 {
    let told = if lost > 0 {
        format!("athyper: {lost} log lines were lost: they came faster than they could be written\n")
    } else {
        String::new()
    };
    let written =
        target.write_all(told.as_bytes()).and_then(|()| target.write_all(batch)).and_then(|()| target.flush());
    match written {
        Ok(()) => 0,
        Err(error) => {
            // Once for each outage; there is nowhere else to say it.
            if lost == 0 {
                let _ = writeln!(std::io::stderr(), "athyper: the log cannot be written: {error}");
            }
            lost + batch.iter().filter(|byte| **byte == b'\n').count() as u64
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, Result, Write};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};

    use super::start;

    #[derive(Clone, Default)]
    struct Target {
        text: Arc<Mutex<Vec<u8>>>,
        is_full: Arc<AtomicBool>,
    }

    impl Target {
        fn text(&self) -> String {
            String::from_utf8(self.text.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Target {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            if self.is_full.load(Ordering::Relaxed) {
                return Err(Error::other("no space left on device"));
            }
            self.text.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_written_in_order_and_flushed() {
        let target = Target::default();
        let (writer, thread) = start(target.clone()).unwrap();
        for number in 0..1_000 {
            writer.push(format!("{number}\n").as_bytes(), number % 100 == 0);
        }
        writer.flush();
        let expected: String = (0..1_000).map(|number| format!("{number}\n")).collect();
        assert_eq!(target.text(), expected);
        writer.push(b"last\n", false);
        drop(thread);
        assert!(target.text().ends_with("999\nlast\n"));
        writer.push(b"too late\n", false);
        writer.flush();
    }

    #[test]
    fn a_full_disk_costs_lines_and_says_how_many() {
        let target = Target::default();
        let (writer, _thread) = start(target.clone()).unwrap();
        target.is_full.store(true, Ordering::Relaxed);
        for _ in 0..3 {
            writer.push(b"lost\n", true);
            writer.flush();
        }
        target.is_full.store(false, Ordering::Relaxed);
        writer.push(b"kept\n", false);
        writer.flush();
        assert_eq!(
            target.text(),
            "athyper: 3 log lines were lost: they came faster than they could be written\nkept\n"
        );
    }

    #[test]
    fn what_waits_is_bounded() {
        struct Stuck(Arc<Mutex<()>>);
        impl Write for Stuck {
            fn write(&mut self, bytes: &[u8]) -> Result<usize> {
                drop(self.0.lock());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> Result<()> {
                Ok(())
            }
        }
        let gate = Arc::new(Mutex::new(()));
        let held = gate.lock().unwrap();
        let (writer, thread) = start(Stuck(Arc::clone(&gate))).unwrap();
        let line = [vec![b'a'; 1023], vec![b'\n']].concat();
        for _ in 0..20_000 {
            writer.push(&line, false);
        }
        assert!(writer.0.waiting().lines.len() <= super::MOST_WAITING);
        assert!(writer.0.waiting().dropped > 0);
        drop(held);
        drop(thread);
    }
}
