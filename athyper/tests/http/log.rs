//! Catches what a test logs.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

type Line = BTreeMap<String, String>;

/// Everything that this thread logs while it lives.
pub(crate) struct Capture {
    lines: Arc<Mutex<Vec<Line>>>,
    _guard: DefaultGuard,
}

struct Collect(Arc<Mutex<Vec<Line>>>);

struct Fields<'a>(&'a mut Line);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: tracing::Subscriber> Layer<S> for Collect {
    fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
        let mut line = Line::new();
        line.insert("level".to_owned(), event.metadata().level().to_string());
        line.insert("target".to_owned(), event.metadata().target().to_owned());
        event.record(&mut Fields(&mut line));
        self.0.lock().unwrap().push(line);
    }
}

impl Capture {
    pub(crate) fn begin() -> Self {
        // While one subscriber alone is alive, `tracing` asks the thread that first meets a line whether anybody wants
        // it, and keeps a no from a thread that has none. With one for the whole process nobody is asked alone.
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
        let lines = Arc::default();
        let subscriber = tracing_subscriber::registry().with(Collect(Arc::clone(&lines)));
        Self { lines, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// The lines of requests.
    pub(crate) fn requests(&self) -> Vec<Line> {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|line| line["target"] == "athyper::http").cloned().collect()
    }
}
