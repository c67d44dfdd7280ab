//! What athyper's budgets are measured with: criterion benches under `benches/`, and programs that measure whole products.
//!
//! | what | budget | command |
//! | --- | --- | --- |
//! | resolve a singleton, uncontended | ≤ 25 ns | `cargo bench -p benches --bench fast_paths` |
//! | one decision of the rate limiter | ≤ 100 ns | `cargo bench -p benches --bench fast_paths` |
//! | the full HTTP stack, as a ratio of the bare router | ≥ 85 % | `scripts/bench http_stack` |
//! | start of the quickstart, cold, to the first answered request | ≤ 50 ms | `scripts/bench start` |
//! | its resident memory then | ≤ 25 MB | `scripts/bench start` |
//! | jobs a second through Redis | ahead of BullMQ and its port to Rust | `scripts/bench jobs` |
//! | an idle worker: commands/s, and the wait of a job at 20 a second (p99) | ≤ 1 (Redis), ≤ 5 ms | `scripts/bench idle` |
//! | the wait of a tenant with few jobs beside one with many | within 2 × of its quiet value | `scripts/bench fairness` |
#![forbid(unsafe_code)]
