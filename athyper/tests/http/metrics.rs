//! The metrics registry and its text.

use athyper::metrics::Buckets;

use crate::support::registry;

#[test]
fn values_are_written_as_prometheus_reads_them() {
    let registry = registry();
    registry.counter("mails_sent_total", "Mails\nwith \\ in them.", ["template"]).unwrap().with(["a\"b\\c\nd"]).add(3);
    registry.gauge("queue_depth", "Jobs waiting.", []).unwrap().with([]).set(2.5);
    let text = registry.to_prometheus();
    assert!(text.contains(
        "# HELP mails_sent_total Mails\\nwith \\\\ in them.\n# TYPE mails_sent_total counter\nmails_sent_total{template=\"a\\\"b\\\\c\\nd\"} 3\n"
    ), "{text}");
    assert!(text.contains("# TYPE queue_depth gauge\nqueue_depth 2.5\n"), "{text}");
}

#[test]
fn a_histogram_is_cumulative_and_ends_at_infinity() {
    let registry = registry();
    let family = registry
        .histogram("wait_seconds", "Time spent waiting.", ["queue"], Buckets::new([0.1, 1.0]).unwrap())
        .unwrap();
    for value in [0.05, 0.5, 5.0] {
        family.with(["mail"]).observe(value);
    }
    let text = registry.to_prometheus();
    for line in [
        "wait_seconds_bucket{queue=\"mail\",le=\"0.1\"} 1\n",
        "wait_seconds_bucket{queue=\"mail\",le=\"1\"} 2\n",
        "wait_seconds_bucket{queue=\"mail\",le=\"+Inf\"} 3\n",
        "wait_seconds_sum{queue=\"mail\"} 5.55\n",
        "wait_seconds_count{queue=\"mail\"} 3\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[test]
fn what_is_beyond_the_cap_of_series_counts_as_overflow() {
    let registry = registry();
    let family = registry.counter("visits_total", "Visits.", ["path"]).unwrap();
    for number in 0..10_000 {
        family.with([&format!("/{number}")]).increment();
    }
    let text = registry.to_prometheus();
    assert_eq!(text.lines().filter(|line| line.starts_with("visits_total{")).count(), 1_001);
    assert!(text.contains("visits_total{path=\"overflow\"} 9000\n"), "{text}");
    assert!(text.contains("metrics_overflows_total{metric=\"visits_total\"} 9000\n"));
}

#[test]
fn a_name_is_one_metric() {
    let registry = registry();
    let first = registry.counter("visits_total", "Visits.", ["path"]).unwrap().with(["/"]);
    registry.counter("visits_total", "Visits.", ["path"]).unwrap().with(["/"]).increment();
    assert_eq!(first.value(), 1);
    assert!(registry.counter("visits_total", "Visits.", ["route"]).is_err());
    registry.gauge("depth", "Depth.", []).unwrap();
    assert!(registry.histogram("depth", "Depth.", [], Buckets::seconds()).is_err());
}
