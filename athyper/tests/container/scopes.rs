//! The check of the graph: what lives longer than what it holds.

use std::sync::Arc;

use athyper::container::{Container, ContainerBuilder, GraphRoot, Reach, Scope, WantMode};
use athyper::context::Context;
use athyper::problem::Problems;

use crate::graph::{Orders, SmtpMailer, Users, check, job, lines, needs, node, only, scoped, want};

#[test]
fn a_singleton_holds_nothing_of_a_request() {
    let nodes = |middle: Scope, mode: WantMode| {
        vec![
            node::<Users>("struct `Users`", 10, vec![want::<Orders>(mode, "field `orders`", 11)]),
            scoped::<Orders>(middle, "struct `Orders`", 20, vec![want::<SmtpMailer>(mode, "field `mailer`", 21)]),
            scoped::<SmtpMailer>(Scope::Request, "factory `mailer`", 30, vec![]),
        ]
    };
    let problems = check(nodes(Scope::Transient, WantMode::Required), vec![]);
    let problem = only(&problems);
    assert_eq!(problem.code, "ATH-GRAPH-CAPTIVE");
    assert_eq!(
        problem.what,
        "`Users` lives as long as the kernel and wants `SmtpMailer`, which lives as long as a request"
    );
    assert_eq!(
        lines(problem),
        [
            "holds: struct `Users`, field `orders` is `Orders` @ src/main.rs:11",
            "holds: struct `Orders`, field `mailer` is `SmtpMailer` @ src/main.rs:21",
            "request: factory `mailer` @ src/main.rs:30",
        ]
    );
    assert!(problem.fix.as_ref().unwrap().contains("scope = request"));

    for mode in [WantMode::Optional, WantMode::All, WantMode::Lazy] {
        assert_eq!(only(&check(nodes(Scope::Transient, mode), vec![])).code, "ATH-GRAPH-CAPTIVE", "{mode:?}");
    }
    let problems = check(nodes(Scope::Singleton, WantMode::Required), vec![]);
    assert_eq!(
        only(&problems).what.split_whitespace().next(),
        Some("`Orders`"),
        "only the one that holds it is blamed"
    );
    let nested = check(nodes(Scope::Request, WantMode::Required), vec![]);
    assert_eq!(only(&nested).details.len(), 2, "and only for what it holds itself");
}

#[test]
fn transient_components_that_know_each_other_are_followed_once() {
    let problems = check(
        vec![
            node::<Users>("struct `Users`", 1, vec![want::<u8>(WantMode::Lazy, "field", 2)]),
            scoped::<u8>(Scope::Transient, "a", 3, vec![want::<u16>(WantMode::Lazy, "field", 4)]),
            scoped::<u16>(Scope::Transient, "b", 5, vec![want::<u8>(WantMode::Lazy, "field", 6), needs::<Orders>(7)]),
            scoped::<Orders>(Scope::Request, "struct `Orders`", 8, vec![]),
        ],
        vec![],
    );
    assert_eq!(lines(only(&problems)).len(), 4, "{problems}");
}

#[test]
fn what_lives_no_longer_than_a_request_may_hold_its_components() {
    let problems = check(
        vec![
            scoped::<Users>(Scope::Request, "a", 1, vec![needs::<Orders>(2)]),
            scoped::<Orders>(Scope::Transient, "b", 3, vec![needs::<SmtpMailer>(4)]),
            scoped::<SmtpMailer>(Scope::Request, "c", 5, vec![]),
        ],
        vec![job("job `j`", 6, vec![needs::<Orders>(7)])],
    );
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn a_hook_runs_outside_of_requests() {
    let hook = GraphRoot { scope: Scope::Singleton, ..job("hook `warm`", 1, vec![needs::<Users>(2)]) };
    let problems = check(vec![scoped::<Users>(Scope::Request, "struct `Users`", 3, vec![])], vec![hook]);
    assert_eq!(
        only(&problems).what,
        "hook `warm` runs outside of any request and wants `Users`, which lives as long as a request"
    );
}

#[test]
fn the_context_belongs_to_the_request() {
    let check = |scope| -> Result<Container, Problems> {
        let mut builder = ContainerBuilder::new();
        let users = athyper::container::Provide::factory(|resolver| {
            Box::pin(async move { resolver.resolve::<Context>().await.map(|_| Arc::new(Users)) })
        });
        builder.add(users.scope(scope).wants::<Context>("parameter `context`"));
        builder.build(Reach::Everything)
    };
    assert!(check(Scope::Request).is_ok() && check(Scope::Transient).is_ok());
    let problems = check(Scope::Singleton).unwrap_err();
    assert_eq!(only(&problems).code, "ATH-GRAPH-CAPTIVE");
    assert!(lines(only(&problems))[1].starts_with("request: the context of the request @ "), "{problems}");
}
