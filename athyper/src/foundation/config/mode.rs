//! Which parts of a product a process runs.

use std::fmt;
use std::str::FromStr;

/// One part of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Answers HTTP.
    Api,
    /// Runs jobs.
    Worker,
    /// Fires schedules.
    Scheduler,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Api, Self::Worker, Self::Scheduler];

    /// The word for it in `MODE`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Worker => "worker",
            Self::Scheduler => "scheduler",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Api => 1,
            Self::Worker => 2,
            Self::Scheduler => 4,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// Which parts of a product a process runs: at least one.
///
/// ```
/// use athyper::config::{Mode, Modes};
///
/// let modes: Modes = "api, worker".parse().unwrap();
/// assert!(modes.contains(Mode::Worker));
/// assert!(!modes.contains(Mode::Scheduler));
/// assert_eq!("all".parse::<Modes>(), Ok(Modes::ALL));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Modes(u8);

impl Modes {
    /// Everything in one process.
    pub const ALL: Self = Self(Mode::Api.bit() | Mode::Worker.bit() | Mode::Scheduler.bit());

    /// Just `mode`.
    #[must_use]
    pub const fn only(mode: Mode) -> Self {
        Self(mode.bit())
    }

    /// These, and `mode`.
    #[must_use]
    pub const fn and(self, mode: Mode) -> Self {
        Self(self.0 | mode.bit())
    }

    /// Whether the process runs the parts of `mode`.
    #[must_use]
    pub const fn contains(self, mode: Mode) -> bool {
        self.0 & mode.bit() != 0
    }

    /// Each of them, in the order api, worker, scheduler.
    pub fn iter(self) -> impl Iterator<Item = Mode> {
        Mode::ALL.into_iter().filter(move |mode| self.contains(*mode))
    }
}

impl From<Mode> for Modes {
    fn from(mode: Mode) -> Self {
        Self::only(mode)
    }
}

impl fmt::Display for Modes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return formatter.write_str("all");
        }
        for (index, mode) in self.iter().enumerate() {
            if index > 0 {
                formatter.write_str(",")?;
            }
            formatter.write_str(mode.word())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Modes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Modes({self})")
    }
}

impl FromStr for Modes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut bits = 0;
        for word in text.split(',').map(str::trim) {
            bits |= if word == "all" {
                Self::ALL.0
            } else {
                Mode::ALL
                    .into_iter()
                    .find(|mode| mode.word() == word)
                    .map(Mode::bit)
                    .ok_or_else(|| "a mode is all, or a list of api, worker, scheduler".to_owned())?
            };
        }
        Ok(Self(bits))
    }
}
