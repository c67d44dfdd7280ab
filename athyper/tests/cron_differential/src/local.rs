//! One time zone as both sides see it, from the same data.

use std::fmt;

use chrono::{FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, TimeDelta};
use jiff::tz::{AmbiguousOffset, TimeZone};

/// The zones that are compared: none, full hours, half and three quarters of an hour, half an hour of change, changes at
/// midnight, and a zone that gave changing up.
pub const ZONES: [&str; 12] = [
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Santiago",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
];

/// A zone of jiff's database for chrono's users. `chrono-tz` brings a database of its own, of another age.
#[derive(Clone)]
pub struct Zone(pub TimeZone);

/// An offset that knows its zone.
#[derive(Clone)]
pub struct ZoneOffset {
    zone: Zone,
    fixed: FixedOffset,
}

impl Zone {
    /// The zone of an IANA name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self(TimeZone::get(name).expect("every zone that is compared is in the database"))
    }

    /// The offset at an instant, in seconds.
    #[must_use]
    pub fn offset_at(&self, second: i64) -> i32 {
        self.0.to_offset(instant(second)).seconds()
    }

    /// The changes of the offset in a span: the instant, and the seconds before and after.
    #[must_use]
    pub fn changes(&self, from: i64, until: i64) -> Vec<(i64, i32, i32)> {
        self.0
            .following(instant(from))
            .map(|change| change.timestamp().as_second())
            .take_while(|change| *change < until)
            .map(|change| (change, self.offset_at(change - 1), self.offset_at(change)))
            .filter(|(_, before, after)| before != after)
            .collect()
    }

    fn with(&self, offset: jiff::tz::Offset) -> ZoneOffset {
        let fixed = FixedOffset::east_opt(offset.seconds()).expect("an offset is less than a day");
        ZoneOffset { zone: self.clone(), fixed }
    }
}

fn instant(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(second).expect("within the years that are compared")
}

impl chrono::TimeZone for Zone {
    type Offset = ZoneOffset;

    fn from_offset(offset: &ZoneOffset) -> Self {
        offset.zone.clone()
    }

    fn offset_from_local_date(&self, _: &NaiveDate) -> MappedLocalTime<ZoneOffset> {
        MappedLocalTime::None
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<ZoneOffset> {
        let since_epoch = *local - NaiveDateTime::default();
        let civil = jiff::civil::DateTime::default().with().year(1970).month(1).day(1).build();
        let civil = civil
            .and_then(|epoch| epoch.checked_add(jiff::SignedDuration::from_secs(since_epoch.num_seconds())))
            .expect("within the years that are compared");
        match self.0.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => MappedLocalTime::Single(self.with(offset)),
            AmbiguousOffset::Gap { .. } => MappedLocalTime::None,
            AmbiguousOffset::Fold { before, after } => MappedLocalTime::Ambiguous(self.with(before), self.with(after)),
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> ZoneOffset {
        self.offset_from_utc_datetime(&utc.and_time(chrono::NaiveTime::default()))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> ZoneOffset {
        let second = utc.and_utc().timestamp();
        self.with(self.0.to_offset(instant(second)))
    }
}

impl chrono::Offset for ZoneOffset {
    fn fix(&self) -> FixedOffset {
        self.fixed
    }
}

impl fmt::Debug for ZoneOffset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.fixed, formatter)
    }
}

impl fmt::Display for ZoneOffset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.fixed, formatter)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.0.iana_name())
    }
}

/// The wall clock of a zone at an instant.
#[must_use]
pub fn wall_clock(zone: &Zone, second: i64) -> NaiveDateTime {
    NaiveDateTime::default() + TimeDelta::seconds(second + i64::from(zone.offset_at(second)))
}
