//! Paths that must stay so fast that nobody asks what they cost: resolving a built singleton (≤ 25 ns), one decision of the
//! rate limiter (≤ 100 ns).
//!
//! `cargo bench -p benches --bench fast_paths`
#![allow(missing_docs, reason = "criterion's macros write undocumented functions")]

use std::hint::black_box;
use std::time::Duration;

use athyper::rate_limit::{Quota, TokenBucket};
use criterion::{Criterion, criterion_group, criterion_main};

fn limiter(criterion: &mut Criterion) {
    let quota = Quota { capacity: 100, period: Duration::from_secs(1) };
    let mut bucket = TokenBucket::default();
    let mut now = Duration::from_secs(1);
    criterion.bench_function("token bucket: one decision", |bencher| {
        bencher.iter(|| {
            now += Duration::from_micros(5);
            black_box(bucket.take(black_box(quota), black_box(now)))
        });
    });
}

criterion_group!(benches, limiter);
criterion_main!(benches);
