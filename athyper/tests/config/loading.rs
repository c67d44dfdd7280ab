//! Sources, precedence, and one report of everything that is wrong.

use athyper::config::sections::{DatabaseConfig, HttpConfig, JobsConfig, LogConfig, LogFormat};
use athyper::config::{Configuration, LoadOptions, Mode, Modes, Override, Profile, StorePort};
use athyper::problem::Problems;

use crate::support::{Folder, environment};

fn load(folder: &Folder, variables: &[(&str, &str)], overrides: &[(&str, &str)]) -> Result<Configuration, Problems> {
    Configuration::load(LoadOptions {
        directory: Some(folder.path().to_owned()),
        environment: environment(variables),
        overrides: overrides.iter().map(|(key, value)| Override::new(*key, *value, None)).collect(),
        ..LoadOptions::default()
    })
}

fn report(folder: &Folder, variables: &[(&str, &str)]) -> Problems {
    load(folder, variables, &[]).expect_err("something is wrong")
}

#[test]
fn nothing_said_is_a_development_machine() {
    let configuration = Configuration::load(LoadOptions::default()).unwrap();
    assert_eq!((configuration.profile(), configuration.modes()), (Profile::Dev, Modes::ALL));
    let http = configuration.section::<HttpConfig>().unwrap();
    assert_eq!(http.address().to_string(), "127.0.0.1:3000");
    assert_eq!(configuration.store(StorePort::Jobs).url.expose(), "sqlite://data/athyper.db");
}

#[test]
fn every_source_wins_over_the_weaker_ones() {
    let folder =
        Folder::new().file("athyper.toml", "[http]\nport = 1\n").file("athyper.test.toml", "[http]\nport = 2\n");
    let port = |variables: &[(&str, &str)], overrides: &[(&str, &str)]| {
        load(&folder, variables, overrides).unwrap().section::<HttpConfig>().unwrap().port
    };
    assert_eq!(port(&[], &[]), 1);
    assert_eq!(port(&[("ATHYPER_PROFILE", "test")], &[]), 2);
    assert_eq!(port(&[("ATHYPER_PROFILE", "test"), ("PORT", "3")], &[]), 3);
    assert_eq!(port(&[("ATHYPER__HTTP__PORT", "4"), ("PORT", "3")], &[]), 4);
    assert_eq!(port(&[("ATHYPER__HTTP__PORT", "4"), ("PORT", "3")], &[("http.port", "5")]), 5);
}

#[test]
fn short_variables_everybody_expects_work() {
    let folder = Folder::new();
    let variables = [
        ("DATABASE_URL", "sqlite://app.db"),
        ("REDIS_URL", "redis://:hunter2@cache:6379"),
        ("PORT", "8080"),
        ("MODE", "api,worker"),
        ("RUST_LOG", "debug,hyper=info"),
        ("ATHYPER_PROFILE", "prod"),
        ("PATH", "/bin"),
    ];
    let configuration = load(&folder, &variables, &[]).unwrap();
    assert_eq!(configuration.profile(), Profile::Prod);
    assert_eq!(configuration.modes(), Modes::only(Mode::Api).and(Mode::Worker));
    assert_eq!(configuration.section::<LogConfig>().unwrap().filter, "debug,hyper=info");
    assert_eq!(configuration.section::<LogConfig>().unwrap().format, LogFormat::Json);
    let http = configuration.section::<HttpConfig>().unwrap();
    assert_eq!(http.address().to_string(), "0.0.0.0:8080");
    let database = configuration.section::<DatabaseConfig>().unwrap();
    assert_eq!(database.url.as_ref().unwrap().expose(), "sqlite://app.db");
    assert_eq!(configuration.store(StorePort::Jobs).url.scheme(), "redis");
    assert_eq!(configuration.store(StorePort::Database).url.expose(), "sqlite://app.db");
}

#[test]
fn an_empty_short_variable_says_nothing() {
    let configuration = load(&Folder::new(), &[("PORT", ""), ("DATABASE_URL", "")], &[]).unwrap();
    assert_eq!(configuration.section::<HttpConfig>().unwrap().port, 3000);
}

#[test]
fn profile_and_modes_of_the_builder_are_strongest() {
    let configuration = Configuration::load(LoadOptions {
        profile: Some(Profile::Test),
        modes: Some(Mode::Worker.into()),
        environment: environment(&[("ATHYPER_PROFILE", "prod"), ("MODE", "api")]),
        ..LoadOptions::default()
    })
    .unwrap();
    assert_eq!((configuration.profile(), configuration.modes()), (Profile::Test, Modes::only(Mode::Worker)));
    assert_eq!(configuration.effective().get("mode").unwrap().origin, "builder");
}

#[test]
fn the_profile_may_stand_in_the_base_file_but_not_in_its_own() {
    let folder = Folder::new()
        .file("athyper.toml", "profile = \"test\"\n")
        .file("athyper.test.toml", "[jobs]\nconcurrency = 3\n");
    let configuration = load(&folder, &[], &[]).unwrap();
    assert_eq!(configuration.profile(), Profile::Test);
    assert_eq!(configuration.section::<JobsConfig>().unwrap().concurrency, 3);

    let folder = Folder::new().file("athyper.dev.toml", "\nprofile = \"prod\"\n");
    let report = report(&folder, &[]).to_string();
    assert!(report.contains("`profile` cannot be set in athyper.dev.toml"), "{report}");
    assert!(report.contains("athyper.dev.toml:2"), "{report}");
}

#[test]
fn everything_wrong_is_in_one_report_with_its_place_and_a_fix() {
    let folder = Folder::new().file(
        "athyper.toml",
        "[htp]\nport = 1\n\n[http]\nprot = 2\nrequest_timeout = 30\n\n[jobs]\nlock = \"soon\"\nconcurrency = 0\n",
    );
    let variables = [
        ("PORT", "abc"),
        ("REDIS_URL", "localhost:6379"),
        ("ATHYPER__JOBS__CONCURENCY", "4"),
        ("ATHYPER_HTTP_PORT", "4"),
        ("MODE", "apy"),
    ];
    let problems = report(&folder, &variables);
    assert_eq!(problems.exit_code(), 78);
    let report = problems.to_string();
    let file = folder.path().join("athyper.toml");
    let file = file.display();
    for expected in [
        "configuration key `htp` is not known [ATH-CONFIG-UNKNOWN]".to_owned(),
        "did you mean `http`?".to_owned(),
        "configuration key `http.prot` is not known".to_owned(),
        "did you mean `http.port`?".to_owned(),
        format!("{file}:5"),
        "`http.request_timeout` needs a unit: 30 could be seconds or milliseconds".to_owned(),
        format!("{file}:6"),
        "`jobs.lock` must be a length of time such as \"30s\" or \"1h 30m\", not \"soon\" [ATH-CONFIG-TYPE]".to_owned(),
        "PORT must be a whole number from 0 to 65535, not \"abc\" [ATH-CONFIG-TYPE]".to_owned(),
        "PORT=3000".to_owned(),
        "REDIS_URL is not a URL: \"localhost:6379\" has no scheme [ATH-CONFIG-URL]".to_owned(),
        "REDIS_URL=redis://localhost:6379".to_owned(),
        "variable ATHYPER__JOBS__CONCURENCY is not known".to_owned(),
        "did you mean ATHYPER__JOBS__CONCURRENCY?".to_owned(),
        "variable ATHYPER_HTTP_PORT is not known".to_owned(),
        "did you mean ATHYPER__HTTP__PORT?".to_owned(),
        "MODE must be all, or a list of api, worker, scheduler, not \"apy\"".to_owned(),
    ] {
        assert!(report.contains(&expected), "{expected}\n{report}");
    }
}

#[test]
fn a_rule_of_a_section_is_reported_at_the_value_that_breaks_it() {
    let folder = Folder::new().file("athyper.toml", "[cors]\nallowed_origins = [\"*\"]\nallow_credentials = true\n");
    let report = report(&folder, &[]).to_string();
    assert!(report.contains("`cors.allow_credentials` cannot be true for every origin"), "{report}");
    assert!(report.contains("athyper.toml:3"), "{report}");
}

#[test]
fn proxies_are_addresses_or_networks() {
    let wrong = ["10.0.0.0/33", "proxy", "10.0.0.0/", "::1/129", "10.0.0.0/-1"];
    let folder = Folder::new();
    let report = report(&folder, &[("ATHYPER__HTTP__TRUSTED_PROXIES", &wrong.join(","))]).to_string();
    for proxy in wrong {
        assert!(report.contains(&format!("{proxy:?} is neither an address nor a network")), "{report}");
    }
    assert!(load(&folder, &[("ATHYPER__HTTP__TRUSTED_PROXIES", "10.0.0.0/8, ::1, fd00::/8")], &[]).is_ok());
}

#[test]
fn a_syntax_error_names_its_line_and_hides_no_other_mistake() {
    let folder = Folder::new().file("athyper.toml", "[http]\nport = 1\nbody pause = 3\n\n[jobs]\nlok = \"1m\"\n");
    let problems = report(&folder, &[]);
    let report = problems.to_string();
    assert!(report.contains("ATH-CONFIG-SYNTAX") && report.contains("athyper.toml:3"), "{report}");
    assert!(report.contains("did you mean `jobs.lock`?"), "{report}");
    assert_eq!(problems.iter().count(), 2, "{report}");
}

#[test]
fn files_that_cannot_be_read_are_problems() {
    let folder = Folder::new().folder("athyper.toml");
    assert!(report(&folder, &[]).to_string().contains("ATH-CONFIG-READ"));
    let folder = Folder::new().bytes("athyper.toml", b"[http]\nport = \xff\n");
    let report = report(&folder, &[]).to_string();
    assert!(report.contains("is not UTF-8") && report.contains("athyper.toml:2"), "{report}");
}

#[test]
fn a_single_value_cannot_stand_where_a_section_belongs() {
    let folder = Folder::new().file("athyper.toml", "http = 3\n");
    let report = report(&folder, &[("PORT", "80"), ("ATHYPER__JOBS", "x")]).to_string();
    assert!(report.contains("`http` is a table with keys of its own, not one value"), "{report}");
    assert!(report.contains("ATHYPER__JOBS is a table with keys of its own, not one value"), "{report}");
}

#[test]
fn prod_must_say_which_parts_it_runs() {
    let problems = report(&Folder::new(), &[("ATHYPER_PROFILE", "prod"), ("DATABASE_URL", "sqlite://app.db")]);
    let report = problems.to_string();
    assert!(report.contains("must be said in profile prod: MODE is not set [ATH-CONFIG-MISSING]"), "{report}");
    assert!(report.contains("MODE=all"), "{report}");
    assert_eq!(problems.iter().count(), 1);
}

#[test]
fn an_unknown_profile_is_a_problem() {
    let report = report(&Folder::new(), &[("ATHYPER_PROFILE", "production")]).to_string();
    assert!(report.contains("ATHYPER_PROFILE must be one of dev, test, prod, not \"production\""), "{report}");
    assert!(report.contains("ATHYPER_PROFILE=prod"), "{report}");
}
