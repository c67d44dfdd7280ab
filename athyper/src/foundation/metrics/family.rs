//! One metric with its labels: the series of a family, and the cap on their number.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, PoisonError, RwLock};

use super::name::Kind;
use super::number::Counter;

/// The value of every label of the series that takes what is beyond the cap.
pub(super) const OVERFLOW: &str = "overflow";

type Series<M> = HashMap<u64, Vec<(Box<[Box<str>]>, M)>>;

/// The series of one metric.
pub(super) struct SeriesTable<M> {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    labels: Box<[&'static str]>,
    limit: usize,
    hasher: RandomState,
    series: RwLock<(usize, Series<M>)>,
    make: Box<dyn Fn() -> M + Send + Sync>,
    overflows: Counter,
}

/// One metric with its labels. Each combination of label values is a series of its own.
///
/// The number of series is capped: a combination beyond the cap counts into one series whose label values are all `overflow`, and
/// `metrics_overflows_total` says how often that happened.
pub struct Family<M, const N: usize>(Arc<SeriesTable<M>>);

impl<M, const N: usize> Clone for Family<M, N> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M, const N: usize> fmt::Debug for Family<M, N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Family")
            .field("name", &self.0.name)
            .field("labels", &self.0.labels)
            .finish_non_exhaustive()
    }
}

/// What a family is made from.
pub(super) struct Blueprint {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: Kind,
    pub(super) labels: Box<[&'static str]>,
    pub(super) limit: usize,
    pub(super) overflows: Counter,
}

impl<M: Clone, const N: usize> Family<M, N> {
    /// A handle whose `N` is the number of the table's labels.
    pub(super) fn of(table: Arc<SeriesTable<M>>) -> Self {
        Self(table)
    }

    /// The series of these label values, in the order of the labels. It is made when it is first asked for.
    ///
    /// Keep the handle where the values are known beforehand: finding the series takes a read lock and a hash. To show a series
    /// at zero before anything happens, ask for it and drop the handle.
    pub fn with(&self, values: [&str; N]) -> M {
        self.0.with(&values)
    }
}

impl<M: Clone> SeriesTable<M> {
    pub(super) fn new(blueprint: Blueprint, make: impl Fn() -> M + Send + Sync + 'static) -> Arc<Self> {
        let Blueprint { name, help, kind, labels, limit, overflows } = blueprint;
        let table = Self {
            name,
            help,
            kind,
            labels,
            limit: limit.max(1),
            hasher: RandomState::new(),
            series: RwLock::default(),
            make: Box::new(make),
            overflows,
        };
        if table.labels.is_empty() {
            // A metric without labels is there, at zero, from the beginning.
            let _: M = table.with(&[]);
        }
        Arc::new(table)
    }

    fn with(&self, values: &[&str]) -> M {
        let hash = self.hasher.hash_one(values);
        if let Some(found) = find(&self.series.read().unwrap_or_else(PoisonError::into_inner).1, hash, values) {
            return found;
        }
        let mut guard = self.series.write().unwrap_or_else(PoisonError::into_inner);
        let (count, series) = &mut *guard;
        if let Some(found) = find(series, hash, values) {
            return found;
        }
        if *count < self.limit {
            *count += 1;
            return insert(series, hash, values, &self.make);
        }
        self.overflows.increment();
        let overflow = vec![OVERFLOW; values.len()];
        let hash = self.hasher.hash_one(&overflow[..]);
        find(series, hash, &overflow).unwrap_or_else(|| insert(series, hash, &overflow, &self.make))
    }

    /// Each series with its label values, ordered by them.
    pub(super) fn series(&self) -> Vec<(Vec<String>, M)> {
        let guard = self.series.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = guard
            .1
            .values()
            .flatten()
            .map(|(values, metric)| (values.iter().map(ToString::to_string).collect(), metric.clone()))
            .collect();
        drop(guard);
        all.sort_by(|(left, _): &(Vec<String>, M), (right, _)| left.cmp(right));
        all
    }
}

impl<M> SeriesTable<M> {
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn help(&self) -> &'static str {
        self.help
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn labels(&self) -> &[&'static str] {
        &self.labels
    }
}

fn find<M: Clone>(series: &Series<M>, hash: u64, values: &[&str]) -> Option<M> {
    let candidates = series.get(&hash)?;
    let same = |own: &[Box<str>]| own.iter().zip(values).all(|(own, asked)| **own == **asked);
    candidates.iter().find(|(own, _)| same(own)).map(|(_, metric)| metric.clone())
}

fn insert<M: Clone>(series: &mut Series<M>, hash: u64, values: &[&str], make: &dyn Fn() -> M) -> M {
    let metric = make();
    let values = values.iter().map(|value| Box::from(*value)).collect();
    series.entry(hash).or_default().push((values, metric.clone()));
    metric
}
