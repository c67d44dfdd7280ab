//! Random faults: processes that are killed, stopped and started, wall clocks that jump, in virtual time.
//!
//! The checker is the one for schedulers that Jepsen's Chronos test uses: every tick has one run, begun in time.

use std::time::Duration;

use athyper::schedule::{MissedTicks, Overlap, Schedule};
use chrono::TimeDelta;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_assert, prop_oneof, proptest};

use crate::support::{Node, World, schedule};

/// What happens next to one of three processes.
#[derive(Debug, Clone)]
enum Fault {
    /// Time passes, and who runs looks.
    Pass(u64),
    /// It ends at once.
    Kill(usize),
    /// It ends after it gave the lead back.
    Stop(usize),
    /// It is started, unless it runs.
    Start(usize),
    /// It does not get to run for a while, though it exists.
    Pause(usize, u64),
    /// Its wall clock goes off by so many seconds.
    Skew(usize, i64),
}

fn faults() -> impl Strategy<Value = Fault> {
    prop_oneof![
        6 => (1..90_u64).prop_map(Fault::Pass),
        1 => (0..3_usize).prop_map(Fault::Kill),
        1 => (0..3_usize).prop_map(Fault::Stop),
        2 => (0..3_usize).prop_map(Fault::Start),
        1 => ((0..3_usize), (1..120_u64)).prop_map(|(node, seconds)| Fault::Pause(node, seconds)),
        1 => ((0..3_usize), prop_oneof![Just(0_i64), -3_600..3_600_i64]).prop_map(|(node, skew)| Fault::Skew(node, skew)),
    ]
}

fn schedules() -> Vec<Schedule> {
    vec![
        schedule("minutely", "* * * * *", MissedTicks::All, Overlap::Allow),
        schedule("often", "*/15 * * * * *", MissedTicks::All, Overlap::Allow),
    ]
}

async fn run(faults: &[Fault]) -> Result<(), String> {
    let world = World::at("2026-01-01T12:00:00Z");
    let mut nodes: [Option<Node>; 3] = [Some(world.node(schedules())), Some(world.node(schedules())), None];
    look(&nodes, 3).await;
    for fault in faults {
        match *fault {
            Fault::Pass(seconds) => pass(&world, &nodes, seconds, 3).await,
            Fault::Kill(node) => nodes[node] = None,
            Fault::Stop(node) => {
                if let Some(node) = nodes[node].take() {
                    node.scheduler.step_down().await;
                }
            }
            Fault::Start(node) => {
                if nodes[node].is_none() {
                    nodes[node] = Some(world.node(schedules()));
                }
            }
            Fault::Pause(node, seconds) => pass(&world, &nodes, seconds, node).await,
            Fault::Skew(node, seconds) => {
                if let Some(node) = &nodes[node] {
                    node.clock.skew(TimeDelta::seconds(seconds));
                }
            }
        }
    }
    // All is well again for longer than any clock was off.
    let last = world.node(schedules());
    drop(nodes);
    world.pass_seconds(4_000).await;
    last.fire().await;
    for (name, period) in [("minutely", 60), ("often", 15)] {
        let ticks = world.ticks(name).await;
        for pair in ticks.windows(2) {
            if (pair[1] - pair[0]).num_seconds() != period {
                return Err(format!("`{name}`: {} after {}", pair[1], pair[0]));
            }
        }
    }
    Ok(())
}

/// Lets time pass second by second for every process but one.
async fn pass(world: &World, nodes: &[Option<Node>; 3], seconds: u64, without: usize) {
    for _ in 0..seconds {
        world.pass(Duration::from_secs(1)).await;
        look(nodes, without).await;
    }
}

async fn look(nodes: &[Option<Node>; 3], without: usize) {
    for (index, node) in nodes.iter().enumerate() {
        if let Some(node) = node
            && index != without
        {
            node.fire().await;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn each_tick_is_fired_once_whatever_happens(faults in proptest::collection::vec(faults(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let found = runtime.block_on(run(&faults));
        prop_assert!(found.is_ok(), "{}", found.unwrap_err());
    }
}
