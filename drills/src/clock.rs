//! A wall clock that jumps, for one child process.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The wall clock of a process, set through libfaketime. Its monotonic clock stays true, as on a machine whose clock is set.
#[derive(Debug)]
pub struct FakeClock {
    file: PathBuf,
    library: PathBuf,
}

impl FakeClock {
    /// A clock that is right until it is told otherwise. Its setting is kept in `folder`.
    ///
    /// # Errors
    /// When the setting cannot be written.
    ///
    /// # Panics
    /// When libfaketime is not installed.
    pub fn new(folder: &Path) -> io::Result<Self> {
        let clock = Self { file: folder.join("clock"), library: library() };
        clock.shift(0)?;
        Ok(clock)
    }

    /// Moves the clock to so many seconds after the true time, or before it.
    ///
    /// # Errors
    /// When the setting cannot be written.
    pub fn shift(&self, seconds: i64) -> io::Result<()> {
        // Whole at once: the process reads the file each time it asks for the time.
        let next = self.file.with_extension("next");
        fs::write(&next, format!("{seconds:+}s\n"))?;
        fs::rename(next, &self.file)
    }

    /// The variables that give a child process this clock.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("LD_PRELOAD", self.library.to_string_lossy()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.to_string_lossy()),
            ("FAKETIME_NO_CACHE", "1".into()),
            ("DONT_FAKE_MONOTONIC", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ]
        .map(|(name, value)| (name.to_owned(), value.into_owned()))
        .to_vec()
    }
}

/// Where `scripts/tools` put libfaketime, or where the system has it.
fn library() -> PathBuf {
    let tools = crate::product::target_folder().join("tools/lib/libfaketimeMT.so.1");
    let installed = fs::read_dir("/usr/lib").into_iter().flatten().filter_map(Result::ok);
    let places = std::iter::once(tools).chain(installed.map(|entry| entry.path().join("faketime/libfaketimeMT.so.1")));
    places.into_iter().find(|path| path.exists()).unwrap_or_else(|| panic!("libfaketime is missing: run scripts/tools"))
}
