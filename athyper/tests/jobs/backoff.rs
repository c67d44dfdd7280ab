//! How long to wait before the next attempt.

use std::time::Duration;

use athyper::jobs::{Backoff, Growth};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn a_backoff_is_read_as_people_write_it() {
    let second = seconds(1);
    let day = seconds(86_400);
    let cases = [
        ("fixed 5s", Growth::Fixed, seconds(5), day, 0),
        ("linear 1m 30s max 2h", Growth::Linear, seconds(90), seconds(7_200), 0),
        ("  exponential   1s  jitter 1 max 1h ", Growth::Exponential, second, seconds(3_600), 100),
        (
            "exponential 250ms max 1h 30m jitter 0.2",
            Growth::Exponential,
            Duration::from_millis(250),
            seconds(5_400),
            20,
        ),
        ("fixed 7d", Growth::Fixed, seconds(7 * 86_400), seconds(7 * 86_400), 0),
    ];
    for (text, growth, base, max, jitter_percent) in cases {
        assert_eq!(text.parse::<Backoff>().unwrap(), Backoff { growth, base, max, jitter_percent }, "{text}");
    }
}

#[test]
fn what_is_no_backoff_is_refused_with_what_to_write() {
    for text in [
        "",
        "soon",
        "fixed",
        "fixed 5",
        "fixed s",
        "exponential 0s",
        "exponential -1s",
        "exponential 1s max",
        "exponential 1s max 1s max 2s",
        "exponential 2s max 1s",
        "exponential 1s jitter",
        "exponential 1s jitter 2",
        "exponential 1s jitter -0.1",
        "exponential 1s jitter NaN",
        "exponential 1s jitter 0.1 jitter 0.2",
        "exponential 1s 2",
        "Exponential 1s",
    ] {
        let error = text.parse::<Backoff>().unwrap_err();
        assert_eq!(error.code(), "backoff", "{text}");
        assert!(error.message().starts_with(&format!("\"{text}\" is not a back-off: ")), "{error}");
    }
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        4 => (1_u64..200_000_000).prop_map(Duration::from_millis),
        1 => Just(Duration::MAX),
        1 => any::<u64>().prop_map(|secs| Duration::new(secs, 999_999_999)),
    ]
}

fn backoff(longest: impl Strategy<Value = Duration>) -> impl Strategy<Value = Backoff> {
    let growth = prop_oneof![Just(Growth::Fixed), Just(Growth::Linear), Just(Growth::Exponential)];
    (growth, longest, 1.0..1_000.0_f64, 0..=100_u8).prop_map(|(growth, base, factor, jitter_percent)| {
        let max = if base < seconds(1_000_000_000) { base.mul_f64(factor) } else { Duration::MAX };
        let max = Duration::from_millis(u64::try_from(max.as_millis()).unwrap_or(u64::MAX)).max(base);
        Backoff { growth, base, max, jitter_percent }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_wait_is_never_longer_than_the_longest_and_loses_no_more_than_the_jitter(
        backoff in backoff(duration()), attempt in any::<u32>(), random in any::<f64>()
    ) {
        let full = backoff.delay(attempt, 0.0);
        let least = full.as_nanos() - full.as_nanos() * u128::from(backoff.jitter_percent) / 100;
        let delay = backoff.delay(attempt, random);
        prop_assert!(delay <= full && full <= backoff.max);
        prop_assert!(delay.as_nanos() >= least, "{delay:?} of {full:?}");
    }

    #[test]
    fn waits_never_shrink_from_attempt_to_attempt(backoff in backoff(duration()), attempt in 0..u32::MAX) {
        prop_assert!(backoff.delay(attempt, 0.0) <= backoff.delay(attempt + 1, 0.0));
    }

    #[test]
    fn waits_grow_as_their_name_says(base in 1_u64..1_000, attempt in 1_u32..20) {
        let wait = Duration::from_millis(base);
        prop_assert_eq!(Backoff::fixed(wait).delay(attempt, 0.0), wait);
        prop_assert_eq!(Backoff::linear(wait).delay(attempt, 0.0), wait * attempt);
        let doubled = (wait * 2_u32.pow(attempt - 1)).min(seconds(86_400));
        prop_assert_eq!(Backoff::exponential(wait).delay(attempt, 0.0), doubled);
    }

    #[test]
    fn what_is_written_is_read_back(
        backoff in backoff((1_u64..200_000_000).prop_map(Duration::from_millis))
    ) {
        prop_assert_eq!(backoff.to_string().parse::<Backoff>().unwrap(), backoff);
    }
}
