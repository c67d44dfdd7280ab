//! Cron expressions: what is understood, which ticks they give, and what happens when clocks change.

use athyper::ErrorKind;
use athyper::clock::Timestamp;
use athyper::schedule::Cron;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn cron(expression: &str, zone: &str) -> Cron {
    Cron::new(expression, zone).unwrap()
}

/// The ticks in a span, as local times of the zone with their offset.
fn local_ticks(expression: &str, zone: &str, after: &str, until: &str) -> Vec<String> {
    let tz = jiff::tz::TimeZone::get(zone).unwrap();
    cron(expression, zone)
        .ticks(at(after), at(until))
        .map(|tick| {
            let zoned = jiff::Timestamp::from_second(tick.timestamp()).unwrap().to_zoned(tz.clone());
            zoned.strftime("%F %T%:z").to_string()
        })
        .collect()
}

#[test]
fn a_time_that_is_skipped_in_spring_is_due_when_the_clock_jumps() {
    let ticks = local_ticks("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", "2026-03-31T00:00:00Z");
    assert_eq!(ticks, ["2026-03-28 02:30:00+01:00", "2026-03-29 03:00:00+02:00", "2026-03-30 02:30:00+02:00"]);
}

#[test]
fn times_of_day_in_a_list_or_range_follow_the_same_rule() {
    let list = local_ticks("30 2,14 * * *", "Europe/Berlin", "2026-03-28T20:00:00Z", "2026-03-29T20:00:00Z");
    assert_eq!(list, ["2026-03-29 03:00:00+02:00", "2026-03-29 14:30:00+02:00"]);
    let list = local_ticks("30 2,14 * * *", "Europe/Berlin", "2026-10-24T20:00:00Z", "2026-10-25T20:00:00Z");
    assert_eq!(list, ["2026-10-25 02:30:00+02:00", "2026-10-25 14:30:00+01:00"]);
    let range = local_ticks("0,20,40 1-3 * * *", "Europe/Berlin", "2026-03-28T23:30:00Z", "2026-03-29T01:30:00Z");
    assert_eq!(
        range,
        [
            "2026-03-29 01:00:00+01:00",
            "2026-03-29 01:20:00+01:00",
            "2026-03-29 01:40:00+01:00",
            // 02:00, 02:20, 02:40 and 03:00 in one.
            "2026-03-29 03:00:00+02:00",
            "2026-03-29 03:20:00+02:00",
        ]
    );
}

#[test]
fn a_time_that_comes_twice_in_autumn_is_due_at_the_first() {
    let ticks = local_ticks("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z");
    assert_eq!(ticks, ["2026-10-25 02:30:00+02:00", "2026-10-26 02:30:00+01:00"]);
    // Asked from within the second pass it is over, too.
    let second_pass = at("2026-10-25T01:10:00Z");
    assert_eq!(cron("30 2 * * *", "Europe/Berlin").next_after(second_pass), Some(at("2026-10-26T01:30:00Z")));
}

#[test]
fn a_rhythm_follows_the_elapsed_time() {
    let spring = local_ticks("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z");
    assert_eq!(
        spring,
        [
            "2026-03-29 01:30:00+01:00",
            "2026-03-29 03:00:00+02:00",
            "2026-03-29 03:30:00+02:00",
            "2026-03-29 04:00:00+02:00"
        ]
    );
    let autumn = local_ticks("30 * * * *", "Europe/Berlin", "2026-10-24T23:45:00Z", "2026-10-25T02:00:00Z");
    assert_eq!(autumn, ["2026-10-25 02:30:00+02:00", "2026-10-25 02:30:00+01:00"]);
    let skipped = local_ticks("*/20 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z");
    assert!(skipped.is_empty(), "{skipped:?}");
}

#[test]
fn half_hour_changes_and_offsets_of_three_quarters_are_right() {
    // Lord Howe changes by 30 minutes: 02:00 +10:30 becomes 02:30 +11.
    let spring = local_ticks("15 2 * * *", "Australia/Lord_Howe", "2026-10-02T12:00:00Z", "2026-10-05T12:00:00Z");
    assert_eq!(spring, ["2026-10-03 02:15:00+10:30", "2026-10-04 02:30:00+11:00", "2026-10-05 02:15:00+11:00"]);
    let autumn = local_ticks("45 1 * * *", "Australia/Lord_Howe", "2026-04-03T12:00:00Z", "2026-04-05T20:00:00Z");
    assert_eq!(autumn, ["2026-04-04 01:45:00+11:00", "2026-04-05 01:45:00+11:00", "2026-04-06 01:45:00+10:30"]);
    let rhythm = local_ticks("*/15 * * * *", "Australia/Lord_Howe", "2026-04-04T14:25:00Z", "2026-04-04T15:35:00Z");
    assert_eq!(rhythm.len(), 5, "every quarter of an hour: {rhythm:?}");
    let kathmandu = local_ticks("0 9 * * *", "Asia/Kathmandu", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    assert_eq!(kathmandu, ["2026-01-01 09:00:00+05:45"]);
    // Chatham jumps from 02:45 +12:45 to 03:45 +13:45.
    let chatham = local_ticks("0 3 * * *", "Pacific/Chatham", "2026-09-25T20:00:00Z", "2026-09-27T20:00:00Z");
    assert_eq!(chatham, ["2026-09-27 03:45:00+13:45", "2026-09-28 03:00:00+13:45"]);
}

#[test]
fn a_midnight_that_does_not_exist_is_due_at_one() {
    let cairo = local_ticks("0 0 * * *", "Africa/Cairo", "2026-04-22T23:00:00Z", "2026-04-25T00:00:00Z");
    assert_eq!(cairo, ["2026-04-24 01:00:00+03:00", "2026-04-25 00:00:00+03:00"]);
}

#[test]
fn a_whole_skipped_day_is_one_tick() {
    // Samoa skipped 30 December 2011.
    let apia = local_ticks("0 12 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", "2012-01-01T00:00:00Z");
    assert_eq!(
        apia,
        [
            "2011-12-29 12:00:00-10:00",
            "2011-12-31 00:00:00+14:00",
            "2011-12-31 12:00:00+14:00",
            "2012-01-01 12:00:00+14:00"
        ]
    );
}

#[test]
fn calendar_rules() {
    for (expression, after, expected) in [
        ("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"),
        ("0 0 31 * *", "2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"),
        ("0 0 L * *", "2026-02-01T00:00:00Z", "2026-02-28T00:00:00Z"),
        ("0 0 L 2 *", "2027-03-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("0 0 LW * *", "2026-01-01T00:00:00Z", "2026-01-30T00:00:00Z"),
        ("0 0 15W * *", "2026-02-01T00:00:00Z", "2026-02-16T00:00:00Z"),
        ("0 0 * * 5L", "2026-01-01T00:00:00Z", "2026-01-30T00:00:00Z"),
        ("0 0 * * FRIL", "2026-01-01T00:00:00Z", "2026-01-30T00:00:00Z"),
        ("0 0 * * FRI#2", "2026-01-01T00:00:00Z", "2026-01-09T00:00:00Z"),
        ("0 0 * * 1#5", "2026-01-01T00:00:00Z", "2026-03-30T00:00:00Z"),
        ("0 0 * * SAT-SUN", "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"),
        ("0 0 * * 7", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"),
        ("0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
        ("0 0 13 * +5", "2026-01-01T00:00:00Z", "2026-02-13T00:00:00Z"),
        ("0 0 ? * MON", "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z"),
        ("59 59 23 31 dec *", "2026-01-01T00:00:00Z", "2026-12-31T23:59:59Z"),
        ("*/20 * * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:00:20Z"),
        ("10-40/15 8 * jan,jul mon", "2026-01-01T00:00:00Z", "2026-01-05T08:10:00Z"),
        ("@weekly", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"),
        ("@Hourly", "2026-01-01T00:00:00.5Z", "2026-01-01T01:00:00Z"),
    ] {
        assert_eq!(cron(expression, "UTC").next_after(at(after)), Some(at(expected)), "`{expression}` after {after}");
    }
}

#[test]
fn an_expression_without_a_tick_ends_the_search() {
    for expression in ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31 2 +MON", "0 0 1 * +1#5"] {
        for zone in ["UTC", "Europe/Berlin", "Australia/Lord_Howe"] {
            assert_eq!(cron(expression, zone).next_after(at("2026-01-01T00:00:00Z")), None, "`{expression}` in {zone}");
        }
    }
    // The longest wait there is.
    let rare = cron("0 0 29 2 +MON", "UTC");
    assert_eq!(rare.next_after(at("2072-03-01T00:00:00Z")), Some(at("2112-02-29T00:00:00Z")));
}

#[test]
fn the_ends_of_time_have_no_tick() {
    let every = cron("* * * * *", "Europe/Berlin");
    assert_eq!(every.next_after(Timestamp::MAX_UTC), None);
    assert_eq!(every.next_after(Timestamp::MIN_UTC), None);
    assert_eq!(every.next_after(at("9999-12-31T23:59:30Z")), None);
}

#[test]
fn ticks_of_a_span_exclude_its_start_and_include_its_end() {
    let hourly = cron("0 * * * *", "UTC");
    let ticks: Vec<_> = hourly.ticks(at("2026-01-01T00:00:00Z"), at("2026-01-01T03:00:00Z")).collect();
    assert_eq!(ticks, ["01", "02", "03"].map(|hour| at(&format!("2026-01-01T{hour}:00:00Z"))));
    assert_eq!(hourly.ticks(at("2026-01-01T03:00:00Z"), at("2026-01-01T00:00:00Z")).count(), 0);
}

#[test]
fn the_latest_ticks_are_found_without_walking_the_whole_span() {
    let every_second = cron("* * * * * *", "UTC");
    let (long_ago, now) = (at("1970-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"));
    assert_eq!(every_second.latest_ticks(long_ago, now, 2), [at("2025-12-31T23:59:59Z"), now]);
    assert_eq!(every_second.latest_ticks(long_ago, now, 1_000).len(), 1_000);
    assert!(every_second.latest_ticks(long_ago, now, 0).is_empty());
    let yearly = cron("@yearly", "UTC");
    assert_eq!(yearly.latest_ticks(long_ago, at("2025-06-01T00:00:00Z"), 1), [at("2025-01-01T00:00:00Z")]);
    assert!(cron("0 0 30 2 *", "UTC").latest_ticks(long_ago, now, 1).is_empty());
    let three = cron("0 0 * * *", "UTC").latest_ticks(at("2025-12-29T00:00:00Z"), now, 10);
    assert_eq!(three.len(), 3, "no more than there are");
}

#[test]
fn what_is_not_understood_says_which_field_and_what_it_takes() {
    for (expression, zone, part) in [
        ("", "UTC", "it is empty"),
        ("* * * *", "UTC", "it has 4 fields"),
        ("0 0 0 * * * 2026", "UTC", "it has 7 fields"),
        ("61 * * * *", "UTC", "the minute field `61`"),
        ("* 24 * * *", "UTC", "the hour field `24` is not understood; it takes 0-23"),
        ("* * 32 * *", "UTC", "the day of month field `32`"),
        ("* * 0 * *", "UTC", "the day of month field `0`"),
        ("* * * 13 *", "UTC", "the month field `13`"),
        ("* * * MON *", "UTC", "the month field `MON` has `MON`"),
        ("* * * * JAN", "UTC", "the day of week field `JAN` has `JAN`"),
        ("* * * * 8", "UTC", "the day of week field `8`"),
        ("* 1MON * * *", "UTC", "the hour field `1MON`"),
        ("* * * 1FEB *", "UTC", "joins a number and a name"),
        ("* * * * MON1", "UTC", "joins a number and a name"),
        ("1,,2 * * * *", "UTC", "an empty item"),
        ("*/0 * * * *", "UTC", "the minute field `*/0`"),
        ("*/60 * * * *", "UTC", "a step of 60"),
        ("5/10 * * * *", "UTC", "the minute field `5/10`"),
        ("40-10 * * * *", "UTC", "the minute field `40-10`"),
        ("* * * * FRI-MON", "UTC", "the day of week field `FRI-MON`"),
        ("* * * * L", "UTC", "`L` without a weekday"),
        ("* * L,LW * *", "UTC", "both `L` and `LW`"),
        ("* L * * *", "UTC", "the hour field `L`"),
        ("? * * * *", "UTC", "the minute field `?`"),
        ("+1 * * * *", "UTC", "the minute field `+1`"),
        ("* * * * 1#6", "UTC", "the day of week field `1#6`"),
        ("@noon", "UTC", "`@noon` is no nickname"),
        ("é * * * *", "UTC", "the minute field `é`"),
        ("* * * * * \u{0}", "UTC", "the day of week field"),
        ("0 0 * * *", "Europe/Berln", "`Europe/Berln` is not an IANA time zone"),
        ("0 0 * * *", "", "is not an IANA time zone"),
        ("0 0 * * *", "+02:00", "is not an IANA time zone"),
    ] {
        let error = Cron::new(expression, zone).expect_err(expression);
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains(part), "`{expression}` in {zone}: {error}");
    }
}

#[test]
fn it_is_shown_as_expression_and_zone_and_described_in_words() {
    let nightly = cron("  0  0 * * MON-FRI ", "europe/berlin");
    assert_eq!(nightly.to_string(), "0 0 * * MON-FRI (Europe/Berlin)");
    assert!(nightly.describe().contains("00:00"), "{}", nightly.describe());
    assert!(nightly.is_fixed_time());
    assert!(!cron("*/5 8 * * *", "UTC").is_fixed_time());
    assert!(!cron("* 0 8 * * *", "UTC").is_fixed_time());
}
