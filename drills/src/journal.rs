//! What jobs and handlers did, as they themselves wrote it down: appended lines, one process after another.

use std::path::{Path, PathBuf};

/// A file that the drill's product appends to; one event a line, its words separated by blanks.
#[derive(Debug, Clone)]
pub struct Journal {
    path: PathBuf,
}

/// One event: what happened, and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Such as `start`, `done`, `tick`.
    pub what: String,
    /// What the event tells.
    pub words: Vec<String>,
}

impl Event {
    /// One of the words.
    ///
    /// # Panics
    /// When there are fewer.
    #[must_use]
    #[track_caller]
    pub fn word(&self, index: usize) -> &str {
        self.words.get(index).unwrap_or_else(|| panic!("no word {index} in {self:?}"))
    }
}

impl Journal {
    /// The journal at a path; it need not exist yet.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Everything that happened so far, in the order it was written. A line that a killed process left unfinished is none.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        complete
            .lines()
            .filter_map(|line| {
                let mut words = line.split_whitespace().map(str::to_owned);
                Some(Event { what: words.next()?, words: words.collect() })
            })
            .collect()
    }

    /// The events of one sort.
    #[must_use]
    pub fn of(&self, what: &str) -> Vec<Event> {
        self.events().into_iter().filter(|event| event.what == what).collect()
    }
}
