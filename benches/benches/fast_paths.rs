//! Paths that must stay so fast that nobody asks what they cost: resolving a built singleton (≤ 25 ns), one decision of the
//! rate limiter (≤ 100 ns).
//!
//! `cargo bench -p benches --bench fast_paths`
#![allow(missing_docs, reason = "criterion's macros write undocumented functions")]

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use athyper::container::{Container, ContainerBuilder, Provide, Reach};
use athyper::rate_limit::{Quota, TokenBucket};
use criterion::{Criterion, criterion_group, criterion_main};

/// As many components as a product of some size has.
const COMPONENTS: usize = 80;

trait Mailer: Send + Sync {}
struct Smtp;
impl Mailer for Smtp {}

struct Users;
struct Other<const N: usize>;

macro_rules! others {
    ($builder:ident: $($number:literal)*) => { $($builder.provide(Other::<$number>);)* };
}

fn container() -> Container {
    let mut builder = ContainerBuilder::new();
    builder.provide(Users).provide_dyn::<dyn Mailer>(Arc::new(Smtp));
    builder.add(Provide::value(Smtp).named("backup"));
    others!(builder: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38
        39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 69 70 71 72 73 74 75 76);
    let container = builder.build(Reach::Everything).expect("the graph is sound");
    assert!(container.graph().nodes().len() >= COMPONENTS);
    container
}

fn resolve(criterion: &mut Criterion) {
    let container = container();
    let mut group = criterion.benchmark_group("resolve a built singleton");
    group.bench_function("borrow it", |bencher| bencher.iter(|| black_box(black_box(&container).get::<Users>())));
    group.bench_function("its Arc", |bencher| {
        bencher.iter(|| black_box(ready(black_box(&container).resolve::<Arc<Users>>())));
    });
    group.bench_function("a trait's Arc", |bencher| {
        bencher.iter(|| black_box(ready(black_box(&container).resolve::<Arc<dyn Mailer>>())));
    });
    group.bench_function("a named one's Arc", |bencher| {
        bencher.iter(|| black_box(ready(black_box(&container).resolve_named::<Arc<Smtp>>("backup"))));
    });
    group.finish();
}

/// The output of a future that never waits: what is measured is the resolve, not a runtime.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a built singleton is not waited for"),
    }
}

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

criterion_group!(benches, resolve, limiter);
criterion_main!(benches);
