//! Which URL each store has, and which ones profile prod refuses.

use athyper::config::{Configuration, LoadOptions, Origin, Profile, StorePort, StoreSource};

use crate::support::environment;

fn load(profile: Profile, variables: &[(&str, &str)]) -> Configuration {
    let options = LoadOptions { profile: Some(profile), environment: environment(variables), ..LoadOptions::default() };
    Configuration::load(options).unwrap()
}

fn resolved(configuration: &Configuration, port: StorePort) -> (String, String) {
    let store = configuration.store(port);
    (store.url.expose().to_owned(), store.source.to_string())
}

#[test]
fn own_key_before_redis_before_database_before_embedded() {
    let all =
        [("ATHYPER__JOBS__URL", "memory:jobs"), ("REDIS_URL", "redis://cache"), ("DATABASE_URL", "sqlite://app.db")];
    // Each row leaves one more source out.
    let expected = [
        [("memory:jobs", "jobs.url, variable ATHYPER__JOBS__URL"), ("redis://cache", "redis.url, variable REDIS_URL")],
        [("redis://cache", "redis.url, variable REDIS_URL"), ("redis://cache", "redis.url, variable REDIS_URL")],
        [
            ("sqlite://app.db", "database.url, variable DATABASE_URL"),
            ("sqlite://app.db", "database.url, variable DATABASE_URL"),
        ],
        [("sqlite://data/athyper.db", "default"), ("sqlite://data/athyper.db", "default")],
    ];
    for (said, [jobs, leases]) in (0..=3).map(|first| &all[first..]).zip(expected) {
        let configuration = load(Profile::Dev, said);
        let expected = (jobs.0.to_owned(), jobs.1.to_owned());
        assert_eq!(resolved(&configuration, StorePort::Jobs), expected);
        assert_eq!(resolved(&configuration, StorePort::Leases), (leases.0.to_owned(), leases.1.to_owned()));
    }
}

#[test]
fn a_database_does_not_fall_back_to_redis() {
    let configuration = load(Profile::Dev, &[("REDIS_URL", "redis://cache")]);
    assert_eq!(configuration.store(StorePort::Database).source, StoreSource::Embedded);
}

#[test]
fn tests_run_in_memory() {
    let configuration = load(Profile::Test, &[]);
    for port in StorePort::ALL {
        assert_eq!(configuration.store(port).url.expose(), "sqlite::memory:");
        assert!(configuration.store(port).url.is_volatile());
    }
}

#[test]
fn the_origin_of_a_url_travels_along() {
    let configuration = load(Profile::Dev, &[("DATABASE_URL", "sqlite://app.db")]);
    let StoreSource::Said { key, origin } = configuration.store(StorePort::Leases).source else { panic!() };
    assert_eq!((key, origin), ("database.url", Origin::Variable("DATABASE_URL".into())));
}

fn refusals(variables: &[(&str, &str)]) -> Vec<String> {
    let mut variables = variables.to_vec();
    variables.push(("MODE", "all"));
    let options =
        LoadOptions { profile: Some(Profile::Prod), environment: environment(&variables), ..LoadOptions::default() };
    match Configuration::load(options) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(|problem| format!("{} {}", problem.code, problem.what)).collect(),
    }
}

#[test]
fn prod_does_not_invent_a_store() {
    let refused = refusals(&[]);
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].starts_with("ATH-CONFIG-INSECURE profile prod does not fall back to sqlite://data/athyper.db"));
    assert!(refused[0].contains("`database.url`, `jobs.url`, `leases.url`"), "{refused:?}");
    assert_eq!(refusals(&[("DATABASE_URL", "sqlite:///var/lib/app.db")]), Vec::<String>::new());
    // The database is still embedded.
    assert_eq!(refusals(&[("REDIS_URL", "redis://cache")]).len(), 1);
}

#[test]
fn prod_refuses_memory_by_name() {
    for url in
        ["memory:", "sqlite::memory:", "sqlite://:memory:", "SQLITE::memory:?cache=shared", "sqlite://x?mode=memory"]
    {
        let refused = refusals(&[("DATABASE_URL", url)]);
        assert_eq!(refused.len(), 1, "{url} {refused:?}");
        assert!(refused[0].contains("`database.url` is refused in profile prod"), "{refused:?}");
    }
    let refused = refusals(&[("DATABASE_URL", "sqlite:///app.db"), ("ATHYPER__LEASES__URL", "memory:")]);
    assert!(refused.len() == 1 && refused[0].contains("`leases.url` is refused"), "{refused:?}");
}

#[test]
fn a_url_that_is_none_is_one_problem_and_not_a_missing_store_too() {
    let refused = refusals(&[("DATABASE_URL", "localhost:5432")]);
    assert_eq!(refused, ["ATH-CONFIG-URL DATABASE_URL is not a URL: \"localhost:5432\" has no scheme"]);
}
