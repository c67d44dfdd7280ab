//! A private folder in memory, for databases that nobody needs after the process.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

const PREFIX: &str = "athyper-memory-";

/// A folder of our own that goes with the value; a process that was killed leaves it to the next one to remove.
#[derive(Debug)]
pub(super) struct RamFolder {
    path: PathBuf,
    /// Locked for as long as the folder is in use, which is how others know.
    _in_use: File,
}

impl RamFolder {
    /// Makes one: in shared memory where the system has it, else among the temporary files.
    pub(super) fn create() -> io::Result<Self> {
        let shared_memory = Path::new("/dev/shm");
        let parent = if shared_memory.is_dir() { shared_memory.to_owned() } else { std::env::temp_dir() };
        remove_left_behind(&parent);
        // A folder begins under a name that is not swept, so that nobody removes it before it is locked.
        let name = uuid::Uuid::now_v7().simple().to_string();
        let unlocked = parent.join(format!("athyper-new-{name}"));
        let path = parent.join(format!("{PREFIX}{name}"));
        create_private(&unlocked)?;
        let in_use = File::create(unlocked.join("in-use"))?;
        in_use.try_lock().map_err(io::Error::from)?;
        fs::rename(&unlocked, &path)?;
        Ok(Self { path, _in_use: in_use })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RamFolder {
    fn drop(&mut self) {
        // The threads of connections may still be removing their own files at the same time.
        for _ in 0..3 {
            if fs::remove_dir_all(&self.path).is_ok() || !self.path.exists() {
                return;
            }
        }
    }
}

fn create_private(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().mode(0o700).create(path)
    }
    #[cfg(not(unix))]
    fs::create_dir(path)
}

/// Removes the folders of processes that ended without doing so. Failing is harmless: the next one tries again.
fn remove_left_behind(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Ok(mark) = File::open(entry.path().join("in-use")) else { continue };
        match mark.try_lock() {
            Ok(()) => drop(fs::remove_dir_all(entry.path())),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PREFIX, RamFolder, fs};

    #[test]
    fn the_folder_goes_with_the_value() {
        let folder = RamFolder::create().unwrap();
        let path = folder.path().to_owned();
        fs::write(path.join("x"), "x").unwrap();
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_in_use_stays_and_one_left_behind_goes() {
        let used = RamFolder::create().unwrap();
        let left = used.path().with_file_name(format!("{PREFIX}left-behind-{}", uuid::Uuid::now_v7().simple()));
        fs::create_dir(&left).unwrap();
        fs::write(left.join("in-use"), "").unwrap();
        let _other = RamFolder::create().unwrap();
        assert!(used.path().exists());
        assert!(!left.exists());
    }
}
