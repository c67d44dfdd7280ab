//! `check`: whether the product would start.

use serde_json::{Value, json};

use super::Output;
use super::arguments::Json;
use super::output::{line, problem_json};
use super::table::Table;
use crate::foundation::problem::Problems;
use crate::runtime::config::{ResolvedStore, StorePort};
use crate::runtime::kernel::{JobTransactions, Kernel, ProbedStore};

/// Reports on a kernel that passed the check, and tries its stores if asked to.
pub(super) async fn check(kernel: &Kernel, connect: bool, format: Json) -> Output {
    let probed = if connect { Some(kernel.probe_stores().await) } else { None };
    let transactions = if connect { kernel.job_transactions().await } else { None };
    let mut problems = Problems::new();
    for problem in probed.iter().flatten().filter_map(|store| store.problem.clone()) {
        problems.push(problem);
    }
    let mut output = if format.json {
        json_report(kernel, probed.as_deref(), transactions, &problems)
    } else {
        report(kernel, probed.as_deref(), transactions)
    };
    if !problems.is_empty() {
        output.exit_code = problems.exit_code();
        if !format.json {
            output.stderr = Output::problems(&problems).stderr;
        }
    }
    output
}

/// Reports on a product that did not pass the check.
pub(super) fn refuse(problems: &Problems, format: Json) -> Output {
    let output = Output::problems(problems);
    if !format.json {
        return output;
    }
    let problems: Vec<_> = problems.iter().map(problem_json).collect();
    let report = Output::json(&json!({ "ok": false, "problems": problems }));
    Output { exit_code: output.exit_code, ..report }
}

fn report(kernel: &Kernel, probed: Option<&[ProbedStore]>, transactions: Option<JobTransactions>) -> Output {
    let Counts { routes, jobs, queues, schedules, components } = Counts::of(kernel);
    let mut text = String::new();
    let unlisted = if kernel.has_unlisted_routes() { " and more that cannot be listed" } else { "" };
    line(&mut text, format_args!("profile {}, mode {}", kernel.profile(), kernel.modes()));
    line(
        &mut text,
        format_args!(
            "{routes} routes{unlisted}, {jobs} jobs in {queues} queues, {schedules} schedules, {components} components"
        ),
    );
    line(&mut text, format_args!(""));
    let mut table = Table::new(["STORE", "URL", "SET BY", "KEEPS", "ANSWERS"]);
    for store in kernel.stores() {
        let answers = probed.map(|probed| match tried(probed, store).and_then(|store| store.problem.as_ref()) {
            Some(_) => "no".to_owned(),
            None => "yes".to_owned(),
        });
        table.row([
            name(store).to_owned(),
            store.url.to_string(),
            store.source.to_string(),
            keeps(store).to_owned(),
            answers.unwrap_or_else(|| "not tried: --connect".to_owned()),
        ]);
    }
    text.push_str(&table.to_text());
    if let Some(transactions) = transactions {
        let can = match transactions {
            JobTransactions::InQueue => "can be added in a transaction of the database",
            JobTransactions::ThroughOutbox => {
                "can be added in a transaction of the database: they go through its outbox, from where a relay moves them to the queue"
            }
            JobTransactions::Never => "cannot be added in a transaction of the database",
        };
        line(&mut text, format_args!("\njobs {can}"));
    }
    if probed.is_none_or(|probed| probed.iter().all(|store| store.problem.is_none())) {
        line(&mut text, format_args!("\neverything fits"));
    }
    Output::text(text)
}

fn json_report(
    kernel: &Kernel,
    probed: Option<&[ProbedStore]>,
    transactions: Option<JobTransactions>,
    problems: &Problems,
) -> Output {
    let Counts { routes, jobs, queues, schedules, components } = Counts::of(kernel);
    let stores: Vec<Value> = kernel
        .stores()
        .map(|store| {
            let answers = probed.map(|probed| tried(probed, store).is_some_and(|store| store.problem.is_none()));
            json!({
                "store": name(store),
                "url": store.url.to_string(),
                "origin": store.source.to_string(),
                "volatile": store.url.is_volatile(),
                "answers": answers,
            })
        })
        .collect();
    Output::json(&json!({
        "ok": problems.is_empty(),
        "profile": kernel.profile().word(),
        "modes": kernel.modes().iter().map(|mode| mode.word()).collect::<Vec<_>>(),
        "routes": routes,
        "jobs": jobs,
        "queues": queues,
        "schedules": schedules,
        "components": components,
        "stores": stores,
        "transactional_jobs": transactions.map(|transactions| transactions != JobTransactions::Never),
        "transactional_jobs_through": match transactions {
            Some(JobTransactions::InQueue) => Some("queue"),
            Some(JobTransactions::ThroughOutbox) => Some("outbox"),
            Some(JobTransactions::Never) | None => None,
        },
        "problems": problems.iter().map(problem_json).collect::<Vec<_>>(),
    }))
}

struct Counts {
    routes: usize,
    jobs: usize,
    queues: usize,
    schedules: usize,
    components: usize,
}

impl Counts {
    fn of(kernel: &Kernel) -> Self {
        Self {
            routes: kernel.routes().len(),
            jobs: kernel.jobs().jobs().count(),
            queues: kernel.jobs().queues().count(),
            schedules: kernel.schedules().len(),
            components: kernel.graph().nodes().len(),
        }
    }
}

fn name(store: &ResolvedStore) -> &'static str {
    match store.port {
        StorePort::Database => "database",
        StorePort::Jobs => "jobs",
        StorePort::Leases => "leases",
    }
}

fn keeps(store: &ResolvedStore) -> &'static str {
    if store.url.is_volatile() { "nothing: lost on exit" } else { "across restarts" }
}

fn tried<'a>(probed: &'a [ProbedStore], store: &ResolvedStore) -> Option<&'a ProbedStore> {
    probed.iter().find(|probed| probed.store.port == store.port)
}
