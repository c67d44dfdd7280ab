//! The rules prove themselves: small trees that each break exactly one of them, and one that only talks about breaking them.

use super::policy::Policy;
use super::report::Rule;
use super::tree::{File, Tree};
use super::{Report, judge};

const POLICY: &str = "
| layer | may import |
| --- | --- |
| `foundation` | `foundation` |
| `adapters` | `foundation`, `adapters` |
| `runtime` | `foundation`, `runtime` |
| `facade` | `foundation`, `adapters`, `runtime`, `facade` |

| excepted edge | to | why |
| --- | --- | --- |
| `runtime/kernel` | `private` | tables |

| runtime module | may import |
| --- | --- |
| `jobs` | nothing |
| `scheduler` | `jobs` |
| `http` | nothing |
| `kernel` | `jobs`, `scheduler`, `http` |

| folder | used by |
| --- | --- |
| `sql` | `sqlite` |

| feature | why |
| --- | --- |
| `default` | a set |

| crate | home |
| --- | --- |
| `axum` | `runtime/http` |
| `sqlx` | `adapters/sqlite` |
| `tracing` | `runtime` |

| port | file |
| --- | --- |
| `JobQueue` | `job_queue` |

| file | lines |
| --- | --- |
";

const MANIFEST: &str = "
[features]
default = ['sqlite']
memory = []
sqlite = []
[dependencies]
axum = '1'
sqlx = '1'
tracing = '1'
";

/// A tree without a fault.
const CLEAN: &[(&str, &str)] = &[
    (
        "athyper/src/lib.rs",
        "//! h\nmod adapters; mod foundation; mod runtime; pub mod prelude; pub mod private;\npub use foundation::clock::Clock;\npub mod jobs { pub use crate::foundation::jobs::{Envelope, queue::JobQueue}; }\n#[cfg(feature = \"sqlite\")] pub use adapters::sqlite::Extra;",
    ),
    ("athyper/src/prelude.rs", "//! h\npub use crate::jobs::Envelope;"),
    ("athyper/src/private.rs", "//! h\npub static TABLE: u8 = 0;"),
    ("athyper/src/foundation/mod.rs", "//! h\npub(crate) mod clock; pub(crate) mod jobs;"),
    ("athyper/src/foundation/clock.rs", "//! h\npub trait Clock {}"),
    ("athyper/src/foundation/jobs/mod.rs", "//! h\npub mod queue;\npub struct Envelope;"),
    (
        "athyper/src/foundation/jobs/queue.rs",
        "//! h\nuse super::super::clock::Clock; use super::Envelope;\npub trait JobQueue { fn clock(&self) -> &dyn Clock; }\nfn take(e: Envelope) {}",
    ),
    (
        "athyper/src/runtime/mod.rs",
        "//! h\npub(crate) mod http; pub(crate) mod jobs; pub(crate) mod kernel; pub(crate) mod scheduler;",
    ),
    ("athyper/src/runtime/http/mod.rs", "//! h\nuse axum::Router;\nfn routes() -> Router { ::axum::Router::new() }"),
    ("athyper/src/runtime/jobs/mod.rs", "//! h\nmod pool;\npub use pool::Pool;"),
    ("athyper/src/runtime/jobs/pool.rs", "//! h\nuse crate::foundation::jobs::queue::JobQueue;\npub struct Pool;"),
    (
        "athyper/src/runtime/scheduler.rs",
        "//! h\nuse super::jobs::Pool;\nfn fire(_: Pool) { tracing::info!(\"fired\"); }",
    ),
    (
        "athyper/src/runtime/kernel/mod.rs",
        "//! h\nuse crate::private::TABLE; use crate::runtime::{http, scheduler};\nfn run() { http::serve(TABLE); scheduler::run(); }",
    ),
    (
        "athyper/src/adapters/mod.rs",
        "//! h\n#[cfg(feature = \"memory\")]\nmod memory;\n#[cfg(any(feature = \"sqlite\"))]\nmod sql;\n#[cfg(feature = \"sqlite\")]\npub(crate) mod sqlite;",
    ),
    ("athyper/src/adapters/memory/mod.rs", "//! h\nmod job_queue;"),
    (
        "athyper/src/adapters/memory/job_queue.rs",
        "//! h\nuse crate::foundation::jobs::queue::JobQueue;\nstruct Memory;\nimpl<T: Fn() -> u8> JobQueue for Memory {}",
    ),
    ("athyper/src/adapters/sql/mod.rs", "//! h\nmod schema;\npub use schema::SCHEMA;"),
    ("athyper/src/adapters/sql/schema.rs", "//! h\npub const SCHEMA: &str = \"\";"),
    ("athyper/src/adapters/sqlite/mod.rs", "//! h\nmod job_queue;"),
    (
        "athyper/src/adapters/sqlite/job_queue/mod.rs",
        "//! h\nuse crate::adapters::sql::SCHEMA; use sqlx::query;\nstruct Sqlite;\nimpl crate::foundation::jobs::queue::JobQueue for Sqlite {}",
    ),
    ("athyper-macros/src/lib.rs", "//! h\nfn expand() { quote! { ::athyper::private::Job } }"),
    ("athyper-testkit/src/lib.rs", "//! h\nuse athyper::prelude::Clock;"),
    ("athyper/tests/jobs.rs", "//! h\nuse athyper::prelude::*;\nmod inner { use super::*; }"),
];

/// The clean tree with files added, or put in the place of those of the same path.
fn judge_with(policy: &str, manifest: &str, changes: &[(&str, &str)]) -> Report {
    let kept = CLEAN.iter().filter(|(path, _)| !changes.iter().any(|(changed, _)| changed == path));
    let files = kept.chain(changes).map(|(path, text)| File::new(path, text)).collect();
    judge(&Tree::new(Policy::parse(policy), manifest, files))
}

#[track_caller]
fn only(rule: Rule, report: &Report, says: &str) {
    assert_eq!(report.findings.iter().map(|finding| finding.rule).collect::<Vec<_>>(), [rule], "{report}");
    assert!(report.findings[0].message.contains(says), "{report}");
}

#[track_caller]
fn breaks(rule: Rule, path: &str, text: &str, says: &str) {
    only(rule, &judge_with(POLICY, MANIFEST, &[(path, text)]), says);
}

#[test]
fn a_clean_tree_gives_no_finding() {
    let report = judge_with(POLICY, MANIFEST, &[]);
    assert!(report.is_empty(), "{report}");
}

#[test]
fn forbidden_paths_in_comments_strings_and_docs_give_none() {
    let text = r#"//! Unlike `crate::runtime::jobs`, nothing here runs: [`sqlx::query`].
/// See crate::adapters::sqlite::Sqlite and `use axum::*`.
// use crate::runtime::jobs::Pool; use sqlx::*; cfg(feature = "x")
#[doc = "crate::runtime::jobs::Pool"]
pub trait Clock { fn text(&self) -> &str { "use crate::runtime::jobs::*; cfg!(feature = \"sqlite\") axum::Router" } }
/* use crate::adapters::memory::Memory; */
"#;
    let report = judge_with(POLICY, MANIFEST, &[("athyper/src/foundation/clock.rs", text)]);
    assert!(report.is_empty(), "{report}");
}

#[test]
fn tests_of_a_file_may_use_other_crates() {
    let text = "//! h\npub trait Clock {}\n#[cfg(test)]\nmod tests { use super::*; use axum::Router; }";
    let report = judge_with(POLICY, MANIFEST, &[("athyper/src/foundation/clock.rs", text)]);
    assert!(report.is_empty(), "{report}");
}

#[test]
fn direction() {
    let clock = "athyper/src/foundation/clock.rs";
    breaks(Rule::R1, clock, "//! h\nuse crate::runtime::jobs::Pool;", "`foundation` must not import `runtime`");
    breaks(
        Rule::R1,
        clock,
        "//! h\nfn f() { super::super::adapters::memory::open() }",
        "`foundation` must not import `adapters`",
    );
    breaks(Rule::R1, clock, "//! h\nuse crate::{foundation::clock::Clock, runtime::jobs as work};", "`runtime`");
    breaks(Rule::R1, clock, "//! h\nuse crate::jobs::Envelope;", "must not import `facade`");
    breaks(Rule::R1, clock, "//! h\n#[derive(crate::runtime::jobs::Derive)] struct S;", "`runtime`");
    breaks(Rule::R1, clock, "//! h\nmacro_rules! m { () => { $crate::runtime::jobs::Pool } }", "`runtime`");
    breaks(Rule::R1, clock, "//! h\n#[cfg(test)] mod tests { use crate::runtime::jobs::Pool; }", "`runtime`");
    breaks(
        Rule::R1,
        "athyper/src/runtime/jobs/pool.rs",
        "//! h\nuse crate::adapters::memory::Memory;",
        "`runtime` must not import `adapters`",
    );
    breaks(
        Rule::R1,
        "athyper/src/runtime/jobs/pool.rs",
        "//! h\nuse crate::private::TABLE;",
        "must not import `facade`",
    );
    breaks(
        Rule::R1,
        "athyper/src/adapters/memory/job_queue.rs",
        "//! h\nfn f() { tell!(crate::runtime::jobs::Pool) }",
        "`adapters` must not import `runtime`",
    );
}

#[test]
fn isolation() {
    let memory = "athyper/src/adapters/memory/job_queue.rs";
    breaks(Rule::R2, memory, "//! h\nuse crate::adapters::sqlite::Pool;", "`memory` must not import adapter `sqlite`");
    breaks(Rule::R2, memory, "//! h\nfn f() { super::super::sqlite::open() }", "`sqlite`");
    breaks(Rule::R2, memory, "//! h\nuse crate::adapters::sql::SCHEMA;", "`sql`");
    breaks(Rule::R2, "athyper/src/adapters/sql/schema.rs", "//! h\nuse crate::adapters::sqlite::Pool;", "`sqlite`");
}

#[test]
fn circles() {
    let clock = "//! h\nuse super::jobs::Envelope;\npub trait Clock {}";
    let report = judge_with(POLICY, MANIFEST, &[("athyper/src/foundation/clock.rs", clock)]);
    only(Rule::R3, &report, "clock → jobs (athyper/src/foundation/clock.rs:2), jobs → clock");

    let through_a_third = POLICY.replace("| `jobs` | nothing |", "| `jobs` | `kernel` |");
    let pool = [("athyper/src/runtime/jobs/pool.rs", "//! h\nuse crate::runtime::kernel::run;\npub struct Pool;")];
    only(Rule::R3, &judge_with(&through_a_third, MANIFEST, &pool), "jobs → kernel");

    breaks(
        Rule::R3,
        "athyper/src/runtime/http/mod.rs",
        "//! h\nuse crate::runtime::jobs::Pool;",
        "does not let `http` import `jobs`",
    );
    breaks(Rule::R3, "athyper/src/runtime/cache.rs", "//! h\n", "missing in the table");
}

#[test]
fn globs() {
    breaks(
        Rule::R4,
        "athyper/src/lib.rs",
        "//! h\nmod foundation;\npub use foundation::clock::*;",
        "foundation::clock::*",
    );
    breaks(Rule::R4, "athyper-testkit/src/lib.rs", "//! h\nuse athyper::prelude::*;", "athyper::prelude::*");
    breaks(Rule::R4, "athyper/src/foundation/clock.rs", "//! h\nuse super::*;", "super::*");
    breaks(Rule::R4, "athyper/tests/jobs.rs", "//! h\nuse athyper::{jobs::{self, *}};", "athyper::jobs::*");
}

#[test]
fn crates_stay_at_home() {
    breaks(
        Rule::R5,
        "athyper/src/runtime/scheduler.rs",
        "//! h\nuse axum::{Router, routing::get};\n",
        "`axum` may be named only in runtime/http",
    );
    breaks(Rule::R5, "athyper/src/runtime/scheduler.rs", "//! h\nfn f() -> ::axum::Router { todo() }", "`axum`");
    breaks(Rule::R5, "athyper/src/foundation/clock.rs", "//! h\nfn f() { tracing::info!(\"x\") }", "`tracing`");
    breaks(Rule::R5, "athyper/src/adapters/memory/job_queue.rs", "//! h\nuse sqlx as database;", "`sqlx`");
    let manifest = MANIFEST.replace("axum = '1'", "axum = '1'\nredis = '1'");
    only(Rule::R5, &judge_with(POLICY, &manifest, &[]), "`redis` has no home");
    let manifest = MANIFEST.replace("tracing = '1'", "");
    only(Rule::R5, &judge_with(POLICY, &manifest, &[]), "`tracing`, which is no dependency");
}

#[test]
fn features_are_folders() {
    breaks(
        Rule::R6,
        "athyper/src/runtime/scheduler.rs",
        "//! h\n#[cfg(feature = \"sqlite\")] fn f() {}",
        "(sqlite) on `fn`",
    );
    breaks(
        Rule::R6,
        "athyper/src/foundation/clock.rs",
        "//! h\n#[cfg(not(feature = \"sqlite\"))] mod inner;",
        "on `mod`",
    );
    breaks(
        Rule::R6,
        "athyper/src/foundation/clock.rs",
        "//! h\nfn f() -> bool { cfg!(feature = \"sqlite\") }",
        "on `expression`",
    );
    breaks(
        Rule::R6,
        "athyper/src/foundation/clock.rs",
        "//! h\n#![cfg_attr(feature = \"sqlite\", allow(x))]",
        "on `file`",
    );
    let ungated = CLEAN.iter().find(|(path, _)| *path == "athyper/src/adapters/mod.rs").expect("in the clean tree").1;
    let ungated = ungated.replace("#[cfg(feature = \"memory\")]", "");
    breaks(Rule::R6, "athyper/src/adapters/mod.rs", &ungated, "folder `memory` must stand behind the feature memory");
    let manifest = MANIFEST.replace("memory = []", "memory = []\nredis = []");
    only(Rule::R6, &judge_with(POLICY, &manifest, &[]), "feature `redis` has no folder");
}

#[test]
fn ports_have_their_files() {
    let text = "//! h\nuse crate::foundation::jobs::queue::JobQueue;\nimpl JobQueue for Pool {}";
    breaks(Rule::R7, "athyper/src/adapters/memory/pool.rs", text, "`JobQueue` is implemented in `job_queue.rs`");
}

#[test]
fn budgets() {
    let long = format!("//! h\n// a comment\n\n{}", "fn f() {}\n".repeat(401));
    breaks(Rule::R8, "athyper/src/runtime/scheduler.rs", &long, "401 lines of code");
    breaks(Rule::R8, "athyper/src/runtime/jobs/a/b/c.rs", "//! h\n", "more than two folders");
    let listed = |lines: usize| format!("{POLICY}| `athyper/src/runtime/scheduler.rs` | `{lines}` |\n");
    let file = [("athyper/src/runtime/scheduler.rs", long.as_str())];
    assert!(judge_with(&listed(401), MANIFEST, &file).is_empty());
    only(Rule::R8, &judge_with(&listed(402), MANIFEST, &file), "lower its number");
    only(Rule::R8, &judge_with(&listed(400), MANIFEST, &file), "its number is 400");
    only(Rule::R8, &judge_with(&format!("{POLICY}| `gone.rs` | `500` |\n"), MANIFEST, &[]), "does not exist");
}

#[test]
fn heads_and_tables_of_contents() {
    breaks(Rule::R9, "athyper/src/runtime/scheduler.rs", "// h\n", "begins without");
    breaks(
        Rule::R9,
        "athyper/src/adapters/memory/mod.rs",
        "//! h\nmod job_queue;\npub struct Memory;",
        "defines a `struct`",
    );
    breaks(Rule::R9, "athyper/src/lib.rs", "//! h\nmod foundation;\npub mod jobs { pub fn f() {} }", "defines a `fn`");
}

#[test]
fn macro_output() {
    let lib = "athyper-macros/src/lib.rs";
    breaks(
        Rule::R10,
        lib,
        "//! h\nfn expand() { quote! { ::athyper::jobs::Job } }",
        "`athyper::jobs::Job` is not below",
    );
}
