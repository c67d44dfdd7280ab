//! Ticks compared with a scan of every minute, for random expressions, zones and spans.

use std::collections::BTreeSet;

use athyper::clock::Timestamp;
use athyper::schedule::Cron;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp as Instant};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

const ZONES: &[&str] = &[
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/St_Johns",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Asia/Gaza",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Apia",
    "Antarctica/Troll",
];

/// One field: its text, the values it means, and whether it has a star.
#[derive(Debug, Clone)]
struct Field {
    text: String,
    values: BTreeSet<i8>,
    star: bool,
}

fn field(min: i8, max: i8) -> impl Strategy<Value = Field> {
    let any_value = move || Field { text: "*".to_owned(), values: (min..=max).collect(), star: true };
    prop_oneof![
        2 => Just(()).prop_map(move |()| any_value()),
        1 => (2..=(max - min).min(20)).prop_map(move |step| Field {
            text: format!("*/{step}"),
            values: (min..=max).step_by(step.unsigned_abs().into()).collect(),
            star: true,
        }),
        3 => proptest::collection::btree_set(min..=max, 1..4).prop_map(|values| Field {
            text: values.iter().map(i8::to_string).collect::<Vec<_>>().join(","),
            values,
            star: false,
        }),
        2 => (min..=max, min..=max, 1..6_i8).prop_map(|(one, other, step)| {
            let (from, to) = (one.min(other), one.max(other));
            Field {
                text: format!("{from}-{to}/{step}"),
                values: (from..=to).step_by(step.unsigned_abs().into()).collect(),
                star: false,
            }
        }),
    ]
}

#[derive(Debug, Clone)]
struct Expression {
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
}

impl Expression {
    fn text(&self) -> String {
        [&self.minute, &self.hour, &self.day, &self.month, &self.weekday].map(|field| field.text.as_str()).join(" ")
    }

    fn is_fixed(&self) -> bool {
        !self.minute.star && !self.hour.star
    }

    fn matches(&self, local: DateTime) -> bool {
        let day = self.day.values.contains(&local.day());
        let weekday = self.weekday.values.contains(&local.date().weekday().to_sunday_zero_offset());
        let days = match (self.day.text == "*", self.weekday.text == "*") {
            (true, true) => true,
            (true, false) => weekday,
            (false, true) => day,
            (false, false) => day || weekday,
        };
        days && self.month.values.contains(&local.month())
            && self.hour.values.contains(&local.hour())
            && self.minute.values.contains(&local.minute())
    }

    /// Every tick by looking at every minute.
    fn scan(&self, zone: &TimeZone, after: Instant, until: Instant) -> Vec<i64> {
        let minute = SignedDuration::from_mins(1);
        let mut ticks = Vec::new();
        // A day earlier: a time that was reached before the span began is not due in it.
        let mut now = after - SignedDuration::from_hours(26);
        let mut reached = zone.to_datetime(now);
        while now < until {
            now += minute;
            let local = zone.to_datetime(now);
            let due = if self.is_fixed() {
                let mut due = false;
                while reached < local {
                    reached += minute;
                    due |= self.matches(reached);
                }
                due
            } else {
                self.matches(local)
            };
            if due && now > after {
                ticks.push(now.as_second());
            }
        }
        ticks
    }
}

fn expressions() -> impl Strategy<Value = Expression> {
    (field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6))
        .prop_map(|(minute, hour, day, month, weekday)| Expression { minute, hour, day, month, weekday })
}

/// A zone and the start of a span, mostly close to a change of the zone's offset.
fn places() -> impl Strategy<Value = (&'static str, Instant)> {
    (proptest::sample::select(ZONES), 946_684_800_i64..2_145_916_800, any::<bool>(), 0..72_i64).prop_map(
        |(zone, second, near_change, hours_before)| {
            let tz = TimeZone::get(zone).unwrap();
            let somewhere = Instant::from_second(second / 60 * 60).unwrap();
            let change = tz.following(somewhere).next().map(|change| change.timestamp());
            let start = change.filter(|_| near_change).unwrap_or(somewhere);
            (zone, start - SignedDuration::from_hours(hours_before))
        },
    )
}

fn chrono(instant: Instant) -> Timestamp {
    Timestamp::from_timestamp(instant.as_second(), 0).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn ticks_are_those_of_a_scan_of_every_minute(expression in expressions(), (zone, start) in places()) {
        let until = start + SignedDuration::from_hours(96);
        let cron = Cron::new(&expression.text(), zone).unwrap();
        let ticks: Vec<i64> = cron.ticks(chrono(start), chrono(until)).map(|tick| tick.timestamp()).collect();
        prop_assert!(ticks.is_sorted_by(|earlier, later| earlier < later), "not strictly increasing: {ticks:?}");
        let scanned = expression.scan(&TimeZone::get(zone).unwrap(), start, until);
        prop_assert_eq!(ticks, scanned, "`{}` in {} from {}", expression.text(), zone, start);
    }

    #[test]
    fn next_after_does_not_depend_on_where_the_search_starts(
        expression in expressions(),
        (zone, start) in places(),
        offset in 0..86_400_i64,
    ) {
        let cron = Cron::new(&expression.text(), zone).unwrap();
        let (after, later) = (chrono(start), chrono(start + SignedDuration::from_secs(offset)));
        if let Some(next) = cron.next_after(after) {
            prop_assert!(next > after);
            if later < next {
                prop_assert_eq!(cron.next_after(later), Some(next), "`{}` in {} from {} and {}", expression.text(), zone, after, later);
            }
        }
    }

    #[test]
    fn the_latest_ticks_are_the_last_of_all(
        expression in expressions(),
        (zone, start) in places(),
        hours in 0..96_i64,
        count in 0..20_usize,
    ) {
        let cron = Cron::new(&expression.text(), zone).unwrap();
        let (after, until) = (chrono(start), chrono(start + SignedDuration::from_hours(hours)));
        let all: Vec<Timestamp> = cron.ticks(after, until).collect();
        prop_assert_eq!(cron.latest_ticks(after, until, count), all[all.len().saturating_sub(count)..].to_vec());
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[-0-9*/,#?+@LWA-Za-z ]{0,30}") {
        if let Ok(cron) = Cron::new(&text, "UTC") {
            let after = chrono(Instant::from_second(1_800_000_000).unwrap());
            prop_assert!(cron.next_after(after).is_none_or(|next| next > after));
        }
    }
}
