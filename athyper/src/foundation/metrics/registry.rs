//! The registry: every family of a kernel by name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::family::{Blueprint, Family, SeriesTable};
use super::histogram::{Buckets, Histogram};
use super::name::{Kind, check};
use super::number::{Counter, Gauge};
use super::summary::Summary;
use super::text;
use crate::foundation::clock::Clock;
use crate::foundation::error::{Error, Result};

/// How many series a family may have unless it is given another limit.
const DEFAULT_SERIES_LIMIT: usize = 1_000;

#[derive(Clone)]
pub(super) enum AnyFamily {
    Counter(Arc<SeriesTable<Counter>>),
    Gauge(Arc<SeriesTable<Gauge>>),
    Histogram(Arc<SeriesTable<Histogram>>, Buckets),
    Summary(Arc<SeriesTable<Summary>>),
}

type Collector = Arc<dyn Fn() + Send + Sync>;

struct Inner {
    clock: Arc<dyn Clock>,
    families: RwLock<BTreeMap<&'static str, AnyFamily>>,
    collectors: RwLock<Vec<Collector>>,
    overflows: Family<Counter, 1>,
}

/// The metrics of one kernel. Clones share them.
///
/// Asking twice for the same family gives the same one, so that two parts can count into one metric.
///
/// ```
/// # use athyper::metrics::MetricsRegistry;
/// # fn count(registry: &MetricsRegistry) -> athyper::Result<()> {
/// let sent = registry.counter("mails_sent_total", "Mails handed to the server.", ["template"])?;
/// let welcome = sent.with(["welcome"]);
/// welcome.increment();
/// assert!(registry.to_prometheus().contains("mails_sent_total{template=\"welcome\"} 1"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MetricsRegistry(Arc<Inner>);

impl fmt::Debug for MetricsRegistry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let families = self.0.families.read().unwrap_or_else(PoisonError::into_inner);
        formatter.debug_tuple("MetricsRegistry").field(&families.keys()).finish()
    }
}

impl MetricsRegistry {
    /// A registry with nothing but its own count of overflows in it.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let overflows = SeriesTable::new(
            Blueprint {
                name: "metrics_overflows_total",
                help: "Look-ups of label values that were beyond the cap on series of a metric.",
                kind: Kind::Counter,
                labels: Box::from(["metric"]),
                limit: usize::MAX,
                overflows: Counter::default(),
            },
            Counter::default,
        );
        let families = BTreeMap::from([(overflows.name(), AnyFamily::Counter(Arc::clone(&overflows)))]);
        Self(Arc::new(Inner {
            clock,
            families: RwLock::new(families),
            collectors: RwLock::default(),
            overflows: Family::of(overflows),
        }))
    }

    /// A family of counters. The name ends in `_total`.
    ///
    /// # Errors
    /// `Configuration` when the name, the help or a label breaks the naming rules, or the name is taken by another kind of metric
    /// or by one with other labels.
    pub fn counter<const N: usize>(
        &self,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
    ) -> Result<Family<Counter, N>> {
        self.family(
            Kind::Counter,
            (name, help, labels),
            |blueprint| AnyFamily::Counter(SeriesTable::new(blueprint, Counter::default)),
            |family| match family {
                AnyFamily::Counter(family) => Some(Arc::clone(family)),
                _ => None,
            },
        )
    }

    /// A family of gauges.
    ///
    /// # Errors
    /// As for [`counter`](Self::counter).
    pub fn gauge<const N: usize>(
        &self,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
    ) -> Result<Family<Gauge, N>> {
        self.family(
            Kind::Gauge,
            (name, help, labels),
            |blueprint| AnyFamily::Gauge(SeriesTable::new(blueprint, Gauge::default)),
            |family| match family {
                AnyFamily::Gauge(family) => Some(Arc::clone(family)),
                _ => None,
            },
        )
    }

    /// A family of histograms.
    ///
    /// # Errors
    /// As for [`counter`](Self::counter), and when the name is taken by a histogram with other buckets.
    pub fn histogram<const N: usize>(
        &self,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
        buckets: Buckets,
    ) -> Result<Family<Histogram, N>> {
        let kept = buckets.clone();
        self.family(
            Kind::Histogram,
            (name, help, labels),
            move |blueprint| {
                let bounds = kept.clone();
                AnyFamily::Histogram(SeriesTable::new(blueprint, move || Histogram::new(bounds.clone())), kept)
            },
            |family| match family {
                AnyFamily::Histogram(family, own) if *own == buckets => Some(Arc::clone(family)),
                _ => None,
            },
        )
    }

    /// A family of summaries.
    ///
    /// # Errors
    /// As for [`counter`](Self::counter).
    pub fn summary<const N: usize>(
        &self,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
    ) -> Result<Family<Summary, N>> {
        let clock = Arc::clone(&self.0.clock);
        self.family(
            Kind::Summary,
            (name, help, labels),
            move |blueprint| AnyFamily::Summary(SeriesTable::new(blueprint, move || Summary::new(Arc::clone(&clock)))),
            |family| match family {
                AnyFamily::Summary(family) => Some(Arc::clone(family)),
                _ => None,
            },
        )
    }

    /// Runs `collect` each time the metrics are read, for gauges that are looked up rather than kept.
    pub fn on_read(&self, collect: impl Fn() + Send + Sync + 'static) {
        self.0.collectors.write().unwrap_or_else(PoisonError::into_inner).push(Arc::new(collect));
    }

    /// All metrics in the text format of Prometheus, version 0.0.4
    /// (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
    #[must_use]
    pub fn to_prometheus(&self) -> String {
        let collectors = self.0.collectors.read().unwrap_or_else(PoisonError::into_inner).clone();
        for collect in &collectors {
            collect();
        }
        let families: Vec<_> =
            self.0.families.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        text::write(&families)
    }

    fn family<M: Clone, const N: usize>(
        &self,
        kind: Kind,
        (name, help, labels): (&'static str, &'static str, [&'static str; N]),
        make: impl FnOnce(Blueprint) -> AnyFamily,
        narrow: impl Fn(&AnyFamily) -> Option<Arc<SeriesTable<M>>>,
    ) -> Result<Family<M, N>> {
        check(kind, name, help, &labels)?;
        let mut families = self.0.families.write().unwrap_or_else(PoisonError::into_inner);
        let family = families.entry(name).or_insert_with(|| {
            let overflows = self.0.overflows.with([name]);
            make(Blueprint { name, help, kind, labels: Box::from(labels), limit: DEFAULT_SERIES_LIMIT, overflows })
        });
        narrow(family).filter(|table| table.labels() == labels).map(Family::of).ok_or_else(|| {
            Error::configuration(format!("metric `{name}` is there already, as another kind or with other labels"))
                .with_code("metric-name")
        })
    }
}
