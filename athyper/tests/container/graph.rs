//! The check of the graph: what is wrong, where, and what to do about it.

use std::collections::BTreeSet;
use std::sync::Arc;

use athyper::container::{
    ContainerBuilder, Graph, GraphNode, GraphRoot, Lazy, Place, Reach, Scope, TypeKey, Want, WantMode,
};
use athyper::problem::{Problem, ProblemClass, Problems};

pub(crate) trait Mailer: Send + Sync {}
pub(crate) trait Clerk: Send + Sync {}
pub(crate) struct SmtpMailer;
pub(crate) struct Users;
pub(crate) struct Orders;
pub(crate) struct Repository<T>(T);
pub(crate) struct SmtpConfig;

pub(crate) const fn at(line: u32) -> Place {
    Place { file: "src/main.rs", line, column: 5 }
}

pub(crate) fn want<T: ?Sized + 'static>(mode: WantMode, label: &'static str, line: u32) -> Want {
    Want { key: TypeKey::of::<T>(), mode, label, place: at(line) }
}

pub(crate) fn needs<T: ?Sized + 'static>(line: u32) -> Want {
    want::<T>(WantMode::Required, "parameter `it`", line)
}

pub(crate) fn node<T: ?Sized + 'static>(label: &str, line: u32, wants: Vec<Want>) -> GraphNode {
    GraphNode {
        key: TypeKey::of::<T>(),
        bindings: Vec::new(),
        scope: Scope::Singleton,
        order: 0,
        label: label.to_owned(),
        place: at(line),
        module: "app",
        wants,
        closes: false,
    }
}

pub(crate) fn scoped<T: ?Sized + 'static>(scope: Scope, label: &str, line: u32, wants: Vec<Want>) -> GraphNode {
    GraphNode { scope, ..node::<T>(label, line, wants) }
}

pub(crate) fn job(label: &str, line: u32, wants: Vec<Want>) -> GraphRoot {
    GraphRoot { label: label.to_owned(), place: at(line), scope: Scope::Request, wants }
}

pub(crate) fn check(nodes: Vec<GraphNode>, roots: Vec<GraphRoot>) -> Problems {
    Graph::new(nodes, roots).check(Reach::Everything)
}

pub(crate) fn only(problems: &Problems) -> &Problem {
    assert_eq!(problems.iter().count(), 1, "{problems}");
    problems.iter().next().unwrap()
}

pub(crate) fn lines(problem: &Problem) -> Vec<String> {
    let place = |place: &Option<String>| place.clone().unwrap_or_default();
    problem.details.iter().map(|line| format!("{}: {} @ {}", line.label, line.text, place(&line.place))).collect()
}

#[test]
fn a_sound_graph_has_no_problem() {
    let problems = check(
        vec![
            node::<Users>(
                "struct `Users`",
                1,
                vec![needs::<dyn Mailer>(2), want::<Orders>(WantMode::Lazy, "field", 3)],
            ),
            node::<dyn Mailer>("factory `mailer`", 4, vec![want::<String>(WantMode::Optional, "field", 5)]),
            node::<Orders>("struct `Orders`", 6, vec![needs::<Users>(7), want::<dyn Clerk>(WantMode::All, "field", 8)]),
        ],
        vec![job("job `welcome`", 9, vec![needs::<Users>(10)])],
    );
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn what_is_missing_names_everybody_who_wants_it() {
    let problems = check(
        vec![node::<Users>("struct `Users`", 3, vec![want::<dyn Mailer>(WantMode::Lazy, "field `mailer`", 4)])],
        vec![job("job `welcome`", 11, vec![want::<dyn Mailer>(WantMode::Required, "parameter `mailer`", 12)])],
    );
    assert_eq!(
        problems.to_string(),
        "the kernel cannot start: 1 problem\n\
         \n\
         \x20 1. nothing provides `dyn Mailer` [ATH-GRAPH-MISSING]\n\
         \x20      wanted by  job `welcome`, parameter `mailer`                src/main.rs:12\n\
         \x20      wanted by  struct `Users`, field `mailer`                   src/main.rs:4\n\
         \x20      fix        add `#[inject] async fn …() -> Result<Arc<dyn Mailer>>`, or `.provide_dyn::<dyn Mailer>(…)` on the builder\n"
    );
    assert_eq!((only(&problems).class, problems.exit_code()), (ProblemClass::Wiring, 70));
}

#[test]
fn a_list_holds_those_with_a_name_as_well() {
    let clerk = |wants| GraphNode {
        key: TypeKey::of::<dyn Clerk>().named(Some("chief")),
        ..node::<dyn Clerk>("chief", 1, wants)
    };
    let users = |mode| node::<Users>("struct `Users`", 2, vec![want::<dyn Clerk>(mode, "field `clerks`", 3)]);
    let problems = check(vec![clerk(vec![needs::<Users>(4)]), users(WantMode::All)], vec![]);
    assert_eq!(only(&problems).code, "ATH-GRAPH-CYCLE");
    let problems = check(vec![clerk(vec![]), users(WantMode::Required)], vec![]);
    assert_eq!(only(&problems).code, "ATH-GRAPH-MISSING");
}

#[test]
fn the_same_name_is_nearer_than_one_that_ends_with_it() {
    mod other {
        pub(super) struct Mailer;
    }
    let nodes = vec![
        node::<SmtpMailer>("suffix", 1, vec![]),
        node::<other::Mailer>("same", 2, vec![]),
        node::<Repository<Mail>>("alike", 3, vec![]),
    ];
    struct Mail;
    let problems = check(nodes, vec![job("job `j`", 4, vec![needs::<dyn Mailer>(5)])]);
    assert_eq!(only(&problems).details[1].text, "`Mailer`, same");
}

#[test]
fn what_is_missing_names_the_nearest_provider() {
    mod other {
        pub(super) struct Users;
    }
    struct SmtpMailr;
    let near = |wanted: Want, provider: GraphNode| {
        let problems = check(vec![provider], vec![job("job `j`", 1, vec![wanted])]);
        let problem = only(&problems);
        assert_eq!(problem.code, "ATH-GRAPH-MISSING");
        let nearest = problem.details.iter().find(|line| line.label == "nearest").map(|line| line.text.clone());
        (nearest.unwrap_or_default(), problem.fix.clone().unwrap())
    };
    let named = |key: TypeKey| key.named(Some("primary"));

    let (nearest, _) =
        near(needs::<Repository<Users>>(2), node::<Repository<Orders>>("struct `Repository`", 3, vec![]));
    assert_eq!(nearest, "`Repository<Orders>`, struct `Repository`");

    let (nearest, fix) = near(needs::<dyn Mailer>(2), node::<SmtpMailer>("struct `SmtpMailer`", 3, vec![]));
    assert_eq!(nearest, "`SmtpMailer`, struct `SmtpMailer`");
    assert!(
        fix.starts_with("bind it with `#[inject(as = dyn Mailer)]` if `SmtpMailer` implements it, or add"),
        "{fix}"
    );

    let (nearest, fix) = near(needs::<SmtpMailer>(2), node::<SmtpMailr>("struct `SmtpMailr`", 3, vec![]));
    assert_eq!(nearest, "`SmtpMailr`, struct `SmtpMailr`");
    assert_eq!(fix, "put `#[inject]` on `SmtpMailer`, or `.provide(…)` on the builder");

    let provider = GraphNode { key: named(TypeKey::of::<Users>()), ..node::<Users>("factory `users`", 3, vec![]) };
    let (nearest, fix) = near(needs::<Users>(2), provider);
    assert_eq!(nearest, "`Users named \"primary\"`, factory `users`");
    assert!(fix.starts_with("say which: `#[inject(name = \"primary\")]`, or put"), "{fix}");

    let wanted = Want { key: named(TypeKey::of::<Users>()), ..needs::<Users>(2) };
    let (nearest, fix) = near(wanted, node::<Users>("struct `Users`", 3, vec![]));
    assert_eq!(nearest, "`Users`, struct `Users`");
    assert!(fix.starts_with("leave the name out, or put `#[inject(name = \"primary\")]` on `Users`"), "{fix}");

    let (nearest, fix) = near(needs::<Users>(2), node::<other::Users>("struct `Users`", 3, vec![]));
    assert!(nearest.contains("other::Users"), "{nearest}");
    assert!(fix.contains("graph::Users` is wanted: import the type that is provided, or put"), "{fix}");

    struct SomeMailer;
    let (nearest, _) = near(needs::<SomeMailer>(2), node::<Orders>("struct `Orders`", 3, vec![]));
    assert_eq!(nearest, "", "nothing is like it");

    let (_, fix) = near(want::<SmtpConfig>(WantMode::Config, "parameter `config`", 2), node::<Orders>("o", 3, vec![]));
    assert_eq!(fix, "put `#[derive(Config)]` on `SmtpConfig`, or `.config::<SmtpConfig>()` on the builder");
}

#[test]
fn what_may_be_missing_is_not_reported() {
    let wants = vec![want::<Users>(WantMode::Optional, "parameter", 2), want::<Orders>(WantMode::All, "parameter", 3)];
    assert!(check(vec![], vec![job("job `j`", 1, wants)]).is_empty());
}

#[test]
fn a_circle_is_shown_with_every_step() {
    let problems = check(
        vec![
            node::<Users>("struct `Users`", 10, vec![want::<Orders>(WantMode::Required, "field `orders`", 11)]),
            node::<Orders>("struct `Orders`", 20, vec![want::<dyn Mailer>(WantMode::Optional, "field `mailer`", 21)]),
            node::<dyn Mailer>("factory `mailer`", 30, vec![want::<Users>(WantMode::All, "parameter `users`", 31)]),
        ],
        vec![],
    );
    let problem = only(&problems);
    assert_eq!(problem.code, "ATH-GRAPH-CYCLE");
    assert_eq!(problem.what, "circle: `Users` → `Orders` → `dyn Mailer` → `Users`");
    assert_eq!(
        lines(problem),
        [
            "needs: struct `Users`, field `orders` is `Orders` @ src/main.rs:11",
            "needs: struct `Orders`, field `mailer` is `dyn Mailer` @ src/main.rs:21",
            "needs: factory `mailer`, parameter `users` is `Users` @ src/main.rs:31",
        ]
    );
    assert!(problem.fix.as_ref().unwrap().contains("Lazy<"));
}

#[test]
fn a_lazy_edge_closes_no_circle_and_any_other_does() {
    for mode in [WantMode::Required, WantMode::Optional, WantMode::All, WantMode::Lazy, WantMode::Config] {
        let problems = check(vec![node::<Users>("struct `Users`", 1, vec![want::<Users>(mode, "field", 2)])], vec![]);
        let circles = problems.iter().filter(|problem| problem.code == "ATH-GRAPH-CYCLE").count();
        assert_eq!(circles, usize::from(mode != WantMode::Lazy), "{mode:?}");
    }
}

#[test]
fn every_circle_is_reported_even_when_they_share_steps() {
    let problems = check(
        vec![
            node::<u8>("a", 1, vec![needs::<u16>(2)]),
            node::<u16>("b", 3, vec![needs::<u8>(4), needs::<u32>(5)]),
            node::<u32>("c", 6, vec![needs::<u8>(7), needs::<u64>(8)]),
            node::<u64>("d", 9, vec![needs::<u64>(10)]),
            node::<i8>("reaches a circle and is in none", 11, vec![needs::<u8>(12)]),
        ],
        vec![],
    );
    let circles: Vec<_> = problems.iter().map(|problem| problem.what.as_str()).collect();
    assert_eq!(
        circles,
        ["circle: `u8` → `u16` → `u8`", "circle: `u8` → `u16` → `u32` → `u8`", "circle: `u64` → `u64`"]
    );
}

#[test]
fn one_of_a_kind_may_be_provided_once() {
    let twice = || vec![node::<dyn Mailer>("factory `one`", 1, vec![]), node::<dyn Mailer>("factory `two`", 2, vec![])];
    let with = |wants| check(twice(), vec![job("job `j`", 3, wants)]);
    assert!(with(vec![want::<dyn Mailer>(WantMode::All, "parameter", 4)]).is_empty());
    assert!(with(vec![]).is_empty());
    for mode in [WantMode::Required, WantMode::Optional, WantMode::Lazy] {
        let problems = with(vec![want::<dyn Mailer>(mode, "parameter `mailer`", 5)]);
        let problem = only(&problems);
        assert_eq!((problem.code, &*problem.what), ("ATH-GRAPH-DUPLICATE", "`dyn Mailer` is provided 2 times"));
        assert_eq!(
            lines(problem),
            [
                "provider: factory `one` @ src/main.rs:1",
                "provider: factory `two` @ src/main.rs:2",
                "wanted by: job `j`, parameter `mailer` @ src/main.rs:5",
            ]
        );
        assert_eq!(
            problem.fix.as_deref(),
            Some(
                "keep one, or tell them apart by `#[inject(name = \"…\")]` on each and where it is wanted, or want all of \
                 them: `Vec<Arc<dyn Mailer>>`"
            )
        );
    }

    let problems = check(vec![node::<Users>("one", 1, vec![]), node::<Users>("two", 2, vec![])], vec![]);
    assert_eq!(only(&problems).code, "ATH-GRAPH-DUPLICATE", "a type that is no trait, even when nobody wants it");

    let named = |name| GraphNode { key: TypeKey::of::<Users>().named(name), ..node::<Users>("u", 1, vec![]) };
    assert!(check(vec![named(None), named(Some("a")), named(Some("b"))], vec![]).is_empty());
    assert!(!check(vec![named(Some("a")), named(Some("a"))], vec![]).is_empty());
}

#[test]
fn a_binding_counts_as_a_provider() {
    let bound = |label, line| GraphNode {
        bindings: vec![TypeKey::of::<dyn Mailer>()],
        ..node::<SmtpMailer>(label, line, vec![])
    };
    let wants = vec![needs::<dyn Mailer>(3)];
    assert!(check(vec![bound("one", 1)], vec![job("job `j`", 2, wants.clone())]).is_empty());
    let second = GraphNode { key: TypeKey::of::<Users>(), ..bound("two", 2) };
    let problems = check(vec![bound("one", 1), second], vec![job("job `j`", 2, wants)]);
    assert_eq!(only(&problems).what, "`dyn Mailer` is provided 2 times");
}

#[test]
fn nobody_closes_what_is_transient() {
    let closes = |scope| GraphNode { closes: true, ..scoped::<Users>(scope, "struct `Users`", 1, vec![]) };
    assert!(check(vec![closes(Scope::Singleton)], vec![]).is_empty());
    assert!(check(vec![closes(Scope::Request)], vec![]).is_empty());
    assert_eq!(only(&check(vec![closes(Scope::Transient)], vec![])).code, "ATH-GRAPH-UNCLOSED");
}

#[test]
fn everything_wrong_is_in_one_report_in_the_order_of_the_source() {
    let nodes = || {
        vec![
            node::<u8>("self", 50, vec![needs::<u8>(51)]),
            node::<Users>("captive", 40, vec![needs::<Orders>(41)]),
            scoped::<Orders>(Scope::Request, "request", 42, vec![]),
            node::<u16>("one", 30, vec![]),
            node::<u16>("two", 31, vec![]),
            node::<u32>("wants", 21, vec![needs::<dyn Clerk>(22)]),
            node::<u64>("wants", 11, vec![needs::<dyn Mailer>(12)]),
        ]
    };
    let report = check(nodes(), vec![]);
    let codes: Vec<_> = report.iter().map(|problem| problem.code).collect();
    assert_eq!(
        codes,
        ["ATH-GRAPH-MISSING", "ATH-GRAPH-MISSING", "ATH-GRAPH-CYCLE", "ATH-GRAPH-DUPLICATE", "ATH-GRAPH-CAPTIVE",]
    );
    assert!(report.iter().next().unwrap().what.contains("dyn Mailer"));
    for turn in 1..nodes().len() {
        let mut other = nodes();
        other.rotate_left(turn);
        assert_eq!(check(other, vec![]), report, "the order of registration does not count");
    }
    for problem in report.iter() {
        assert!(problem.fix.as_ref().is_some_and(|fix| !fix.is_empty()));
        assert!(
            problem.details.iter().all(|line| line.place.as_ref().is_some_and(|at| at.starts_with("src/main.rs:")))
        );
    }
}

#[test]
fn only_what_the_roots_reach_has_to_be_sound() {
    let nodes = || {
        vec![
            node::<Users>("struct `Users`", 1, vec![want::<Orders>(WantMode::Lazy, "field", 2)]),
            node::<Orders>("struct `Orders`", 3, vec![]),
            node::<u8>("broken", 4, vec![needs::<dyn Mailer>(5), needs::<u8>(6)]),
            node::<u16>("twice", 7, vec![]),
            node::<u16>("twice", 8, vec![]),
            node::<i8>("reaches all", 11, vec![want::<i16>(WantMode::Lazy, "field", 12)]),
            node::<i16>("reaches all", 13, vec![needs::<u8>(14), needs::<u16>(15)]),
        ]
    };
    let codes = |wants, reach| -> BTreeSet<&'static str> {
        let graph = Graph::new(nodes(), vec![job("job `j`", 9, wants)]);
        graph.check(reach).iter().map(|problem| problem.code).collect()
    };
    let all = BTreeSet::from(["ATH-GRAPH-MISSING", "ATH-GRAPH-CYCLE", "ATH-GRAPH-DUPLICATE"]);
    assert_eq!(codes(vec![needs::<Users>(10)], Reach::Everything), all);
    assert_eq!(codes(vec![needs::<Users>(10)], Reach::Roots), BTreeSet::new());
    assert_eq!(codes(vec![needs::<u16>(10)], Reach::Roots), BTreeSet::from(["ATH-GRAPH-DUPLICATE"]));
    assert_eq!(codes(vec![needs::<i8>(10)], Reach::Roots), all, "what is needed by what is needed counts");
    assert_eq!(
        codes(vec![want::<u8>(WantMode::Lazy, "field", 10)], Reach::Roots),
        BTreeSet::from(["ATH-GRAPH-MISSING", "ATH-GRAPH-CYCLE"])
    );
}

#[tokio::test]
async fn no_constructor_runs_while_the_graph_is_checked() {
    let mut builder = ContainerBuilder::new();
    builder.add(super::support::made::<Users, _>(|| panic!("it was built")));
    builder.add(
        athyper::container::Provide::<Orders>::factory(|_| panic!("it was built"))
            .wants::<Lazy<Users>>("users")
            .wants::<Arc<dyn Mailer>>("mailer"),
    );
    let problems = builder.build(Reach::Everything).unwrap_err();
    assert_eq!(only(&problems).code, "ATH-GRAPH-MISSING");
}
