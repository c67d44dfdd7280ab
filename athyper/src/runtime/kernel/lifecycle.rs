//! Hooks around start and stop, their order, and the deadlines of a shutdown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::foundation::error::Result;
use crate::foundation::problem::{Problem, ProblemClass, Problems};
use crate::runtime::container::Container;

/// Something that takes part in the start and the stop of a kernel.
///
/// Hooks start after those they name in [`after`](Self::after); they stop by [`stop_order`](Self::stop_order), and among equal
/// ones in reverse of how they started.
#[async_trait]
pub trait LifecycleHook: Send + Sync + fmt::Debug + 'static {
    /// A name, unique in the kernel. The kernel's own are `http`, `management`, `outbox`, `workers` and `scheduler`.
    fn name(&self) -> &str;

    /// The hooks that must have started before this one; those that do not run in the chosen mode are passed over.
    fn after(&self) -> &[&str] {
        &[]
    }

    /// Smaller stops earlier. The kernel's own: `http` 10, `scheduler` 20, `workers` 30, `outbox` 40, `management` 200.
    fn stop_order(&self) -> u32 {
        100
    }

    /// How long [`stopping`](Self::stopping) may take; `None` for the configured `shutdown.deadline`.
    fn stop_deadline(&self) -> Option<Duration> {
        None
    }

    /// Starts. An error stops what has started, in reverse, and the kernel does not start.
    ///
    /// # Errors
    /// Whatever keeps it from starting.
    async fn starting(&self, container: &Container) -> Result<()> {
        let _ = container;
        Ok(())
    }

    /// Everything has started.
    ///
    /// # Errors
    /// Whatever keeps it from working; treated as a failed start.
    async fn started(&self, container: &Container) -> Result<()> {
        let _ = container;
        Ok(())
    }

    /// Stops: finishes what is under way and takes nothing new.
    ///
    /// # Errors
    /// Whatever was not finished; it is logged and the process's exit code says so.
    async fn stopping(&self) -> Result<()> {
        Ok(())
    }

    /// Everything has stopped.
    async fn stopped(&self) {}
}

/// Puts hooks in an order in which each comes after those it names.
///
/// # Errors
/// `ATH-HOOK-DUPLICATE`, `ATH-HOOK-UNKNOWN` and `ATH-HOOK-CYCLE`, all at once. `known` names hooks that exist in other modes.
pub(super) fn order_hooks(
    hooks: Vec<Arc<dyn LifecycleHook>>,
    known: &[&str],
) -> Result<Vec<Arc<dyn LifecycleHook>>, Problems> {
    let mut problems = Problems::new();
    let mut by_name: BTreeMap<String, Arc<dyn LifecycleHook>> = BTreeMap::new();
    let mut waiting: Vec<String> = Vec::new();
    for hook in hooks {
        let name = hook.name().to_owned();
        if by_name.insert(name.clone(), hook).is_some() {
            problems.push(
                Problem::new(
                    ProblemClass::Wiring,
                    "ATH-HOOK-DUPLICATE",
                    format!("two lifecycle hooks are named `{name}`"),
                )
                .with_fix("give one of them another name"),
            );
        } else {
            waiting.push(name);
        }
    }
    for (name, hook) in &by_name {
        for wanted in hook.after() {
            if !by_name.contains_key(*wanted) && !known.contains(wanted) {
                problems.push(
                    Problem::new(
                        ProblemClass::Wiring,
                        "ATH-HOOK-UNKNOWN",
                        format!("lifecycle hook `{name}` wants to start after `{wanted}`, which does not exist"),
                    )
                    .with_fix(format!(
                        "name one of: {}",
                        by_name.keys().filter(|other| *other != name).cloned().collect::<Vec<_>>().join(", ")
                    )),
                );
            }
        }
    }
    let mut ordered = Vec::with_capacity(waiting.len());
    let mut placed: BTreeSet<String> = BTreeSet::new();
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|name| {
            by_name[name].after().iter().all(|wanted| placed.contains(*wanted) || !by_name.contains_key(*wanted))
        });
        let Some(index) = ready else {
            problems.push(
                Problem::new(
                    ProblemClass::Wiring,
                    "ATH-HOOK-CYCLE",
                    format!("lifecycle hooks wait for one another: {}", waiting.join(", ")),
                )
                .with_fix("take one of the names out of `after`"),
            );
            break;
        };
        let name = waiting.remove(index);
        ordered.push(Arc::clone(&by_name[&name]));
        placed.insert(name);
    }
    if problems.is_empty() { Ok(ordered) } else { Err(problems) }
}

/// The order in which hooks stop: by [`LifecycleHook::stop_order`], then in reverse of the start.
pub(super) fn stop_sequence(started: &[Arc<dyn LifecycleHook>]) -> Vec<Arc<dyn LifecycleHook>> {
    let mut sequence: Vec<_> = started.iter().rev().cloned().collect();
    sequence.sort_by_key(|hook| hook.stop_order());
    sequence
}

#[cfg(test)]
mod tests {
    use super::{LifecycleHook, order_hooks, stop_sequence};
    use std::sync::Arc;

    #[derive(Debug)]
    struct Hook(&'static str, &'static [&'static str], u32);

    impl LifecycleHook for Hook {
        fn name(&self) -> &str {
            self.0
        }
        fn after(&self) -> &[&str] {
            self.1
        }
        fn stop_order(&self) -> u32 {
            self.2
        }
    }

    fn hooks(list: &[(&'static str, &'static [&'static str], u32)]) -> Vec<Arc<dyn LifecycleHook>> {
        list.iter().map(|(name, after, order)| Arc::new(Hook(name, after, *order)) as Arc<dyn LifecycleHook>).collect()
    }

    fn names(hooks: &[Arc<dyn LifecycleHook>]) -> Vec<&str> {
        hooks.iter().map(|hook| hook.name()).collect()
    }

    #[test]
    fn a_hook_starts_after_those_it_names() {
        let ordered =
            order_hooks(hooks(&[("c", &["b"], 1), ("a", &[], 1), ("b", &["a"], 1)]), &[]).expect("no problem");
        assert_eq!(names(&ordered), ["a", "b", "c"]);
    }

    #[test]
    fn hooks_of_another_mode_are_passed_over() {
        let ordered = order_hooks(hooks(&[("a", &["http"], 1)]), &["http"]).expect("no problem");
        assert_eq!(names(&ordered), ["a"]);
    }

    #[test]
    fn duplicates_unknown_names_and_cycles_are_reported_together() {
        let report = order_hooks(
            hooks(&[("a", &["b"], 1), ("b", &["a"], 1), ("x", &[], 1), ("x", &[], 1), ("y", &["zz"], 1)]),
            &[],
        )
        .expect_err("three problems");
        let codes: Vec<_> = report.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, ["ATH-HOOK-DUPLICATE", "ATH-HOOK-UNKNOWN", "ATH-HOOK-CYCLE"]);
    }

    #[test]
    fn stopping_goes_by_order_then_in_reverse() {
        let started = hooks(&[("store", &[], 100), ("http", &[], 10), ("mail", &[], 100), ("workers", &[], 30)]);
        assert_eq!(names(&stop_sequence(&started)), ["http", "workers", "mail", "store"]);
    }
}
