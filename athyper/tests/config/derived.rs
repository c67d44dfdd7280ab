//! Sections of a product: derived, nested, read by serde and `FromStr`.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use athyper::config::{
    Config, ConfigSection, Configuration, ConfigurationDraft, LoadOptions, Override, Profile, Secret, SectionCheck,
};
use athyper::problem::Problems;
use serde::Deserialize;

use crate::support::{Folder, environment};

#[derive(Debug, Config)]
#[config(section = "smtp", check = check_smtp)]
struct SmtpConfig {
    /// The mail server.
    host: String,
    #[config(default = 587)]
    port: u16,
    password: Secret<String>,
    #[config(default = ["ops@example.org"])]
    copies: Vec<String>,
    retry: Retry,
    fallback: Option<Relay>,
    #[config(default)]
    by_queue: BTreeMap<String, Retry>,
    #[config(parse, default = "1.0")]
    version: Version,
    #[config(deserialize, default = Vec::new())]
    rules: Vec<Rule>,
    #[config(default = "plain")]
    encryption: Encryption,
}

#[derive(Debug, PartialEq, Config)]
struct Retry {
    #[config(default = 3)]
    attempts: u32,
    #[config(default = "1s")]
    pause: Duration,
}

#[derive(Debug, Config)]
struct Relay {
    host: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Config)]
enum Encryption {
    Plain,
    StartTls,
}

#[derive(Debug, PartialEq)]
struct Version(u8, u8);

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (major, minor) = text.split_once('.').ok_or_else(|| format!("{text} has no dot"))?;
        Ok(Self(major.parse().map_err(|_| "not a number")?, minor.parse().map_err(|_| "not a number")?))
    }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Rule {
    to: String,
    limit: Option<u32>,
    key: Option<Secret<String>>,
    #[serde(default)]
    action: Action,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    #[default]
    Drop,
    Forward {
        to: String,
    },
}

fn check_smtp(smtp: &SmtpConfig, check: &mut SectionCheck) {
    if smtp.encryption == Encryption::Plain {
        check.insecure("encryption", "mail would travel in the open", "start_tls");
    }
    if smtp.port == 0 {
        check.invalid("port", "must not be 0");
    }
}

fn draft(folder: &Folder, variables: &[(&str, &str)], overrides: &[(&str, &str)]) -> ConfigurationDraft {
    ConfigurationDraft::read(LoadOptions {
        directory: Some(folder.path().to_owned()),
        environment: environment(variables),
        overrides: overrides.iter().map(|(key, value)| Override::new(*key, *value, None)).collect(),
        sections: vec![SmtpConfig::DESCRIPTOR],
        ..LoadOptions::default()
    })
}

fn load(folder: &Folder, variables: &[(&str, &str)]) -> Result<Configuration, Problems> {
    draft(folder, variables, &[]).finish(|_| true, |_| true)
}

const ENOUGH: &str = "[smtp]\nhost = \"mail\"\npassword = \"hunter2\"\n";

#[test]
fn a_section_says_only_what_has_no_default() {
    let configuration = load(&Folder::new().file("athyper.toml", ENOUGH), &[]).unwrap();
    let smtp = configuration.section::<SmtpConfig>().unwrap();
    assert_eq!((smtp.host.as_str(), smtp.port, smtp.password.expose().as_str()), ("mail", 587, "hunter2"));
    assert_eq!(smtp.copies, ["ops@example.org"]);
    assert_eq!(smtp.retry, Retry { attempts: 3, pause: Duration::from_secs(1) });
    assert!(smtp.fallback.is_none() && smtp.by_queue.is_empty() && smtp.rules.is_empty());
    assert_eq!((&smtp.version, smtp.encryption), (&Version(1, 0), Encryption::Plain));
}

#[test]
fn nested_tables_merge_key_by_key() {
    let folder = Folder::new()
        .file("athyper.toml", &format!("{ENOUGH}[smtp.retry]\nattempts = 5\n[smtp.by_queue.mail]\nattempts = 7\n"))
        .file("athyper.dev.toml", "smtp.retry.pause = \"2s\"\n");
    let variables = [
        ("ATHYPER__SMTP__RETRY__ATTEMPTS", "6"),
        ("ATHYPER__SMTP__BY_QUEUE__SMS__ATTEMPTS", "8"),
        ("ATHYPER__SMTP__FALLBACK__HOST", "other"),
        ("ATHYPER__SMTP__PASSWORD", "123"),
        ("ATHYPER__SMTP__VERSION", "2.1"),
        ("ATHYPER__SMTP__ENCRYPTION", "start_tls"),
        ("ATHYPER__SMTP__COPIES", "a@b.c, d@e.f"),
    ];
    let configuration = load(&folder, &variables).unwrap();
    let smtp = configuration.section::<SmtpConfig>().unwrap();
    assert_eq!(smtp.retry, Retry { attempts: 6, pause: Duration::from_secs(2) });
    assert_eq!((smtp.by_queue["mail"].attempts, smtp.by_queue["sms"].attempts), (7, 8));
    assert_eq!(smtp.fallback.as_ref().unwrap().host, "other");
    assert_eq!(smtp.password.expose(), "123");
    assert_eq!((&smtp.version, smtp.encryption), (&Version(2, 1), Encryption::StartTls));
    assert_eq!(smtp.copies, ["a@b.c", "d@e.f"]);
}

#[test]
fn serde_reads_what_it_knows() {
    let rules = "[[smtp.rules]]\nto = \"a\"\nlimit = 3\n[[smtp.rules]]\nto = \"b\"\naction.forward.to = \"c\"\n";
    let configuration = load(&Folder::new().file("athyper.toml", &format!("{ENOUGH}{rules}")), &[]).unwrap();
    let read = &configuration.section::<SmtpConfig>().unwrap().rules;
    assert_eq!(read[0], Rule { to: "a".into(), limit: Some(3), key: None, action: Action::Drop });
    assert_eq!(read[1].action, Action::Forward { to: "c".into() });
}

#[test]
fn serde_is_strict_too_and_says_where() {
    let rules = "[[smtp.rules]]\nto = \"a\"\nlimt = 3\n[[smtp.rules]]\nlimit = 1\n[[smtp.rules]]\nto = 5\n";
    let folder = Folder::new().file("athyper.toml", &format!("{ENOUGH}{rules}"));
    let report = load(&folder, &[]).unwrap_err().to_string();
    assert!(report.contains("configuration key `smtp.rules[0].limt` is not known"), "{report}");
    assert!(report.contains("athyper.toml:6"), "{report}");
    // Serde itself stops at its first error.
    assert!(report.contains("`smtp.rules[1].to` is not set"), "{report}");
}

#[test]
fn an_error_of_serde_does_not_repeat_a_secret() {
    let rules = "[[smtp.rules]]\nto = \"a\"\nkey = 12345678\n";
    let folder = Folder::new().file("athyper.toml", &format!("{ENOUGH}{rules}"));
    let report = load(&folder, &[]).unwrap_err().to_string();
    assert!(report.contains("`smtp.rules[0].key` does not fit"), "{report}");
    assert!(!report.contains("12345678"), "{report}");
}

#[test]
fn every_kind_of_mistake_names_key_place_and_fix() {
    let text = "[smtp]\nhots = \"mail\"\nport = 70000\npassword = 12345678\nencryption = \"starttls\"\nversion = \"2\"\n\
        retry = 3\nfallback = {}\n";
    let folder = Folder::new().file("athyper.toml", text);
    let problems = load(&folder, &[("ATHYPER__SMTP__COPIES__X", "1")]).unwrap_err();
    let report = problems.to_string();
    for expected in [
        "configuration key `smtp.hots` is not known [ATH-CONFIG-UNKNOWN]",
        "did you mean `smtp.host`?",
        "`smtp.host` is not set [ATH-CONFIG-MISSING]",
        "wanted by  struct `SmtpConfig`",
        "athyper/tests/config/derived.rs:",
        "`host = …` below [smtp] in athyper.toml, or ATHYPER__SMTP__HOST=…",
        "`smtp.port` must be a whole number from 0 to 65535, not 70000 [ATH-CONFIG-TYPE]",
        "port = 587",
        "`smtp.password` must be text in quotes, not [secret]",
        "`smtp.encryption` must be one of plain, start_tls, not \"starttls\"",
        "`smtp.version` does not fit: \"2\": 2 has no dot",
        "`smtp.retry` is a table with keys of its own, not one value",
        "`smtp.fallback.host` is not set",
        "ATHYPER__SMTP__COPIES__X",
    ] {
        assert!(report.contains(expected), "{expected}\n{report}");
    }
    assert!(!report.contains("12345678"), "{report}");
}

#[test]
fn what_is_missing_counts_only_where_it_is_wanted() {
    let folder = Folder::new().file("athyper.toml", "[smtp]\nprot = 1\n");
    let draft = draft(&folder, &[], &[]);
    let unwanted = draft.problems(|section| section.name != "smtp", |_| true).to_string();
    assert!(unwanted.contains("`smtp.prot` is not known"), "{unwanted}");
    assert!(!unwanted.contains("smtp.host"), "{unwanted}");
    assert!(draft.problems(|_| true, |_| true).to_string().contains("`smtp.host` is not set"));
    assert!(draft.section::<SmtpConfig>().is_none());

    let draft = self::draft(&Folder::new(), &[], &[]);
    let configuration = draft.finish(|section| section.name != "smtp", |_| true).unwrap();
    assert!(configuration.section::<SmtpConfig>().unwrap_err().to_string().contains("`smtp`"));
}

#[test]
fn prod_refuses_what_a_section_calls_insecure() {
    let folder = Folder::new().file("athyper.toml", ENOUGH);
    let prod = [("ATHYPER_PROFILE", "prod"), ("MODE", "all"), ("DATABASE_URL", "sqlite:///app.db")];
    let report = load(&folder, &prod).unwrap_err().to_string();
    assert!(report.contains("`smtp.encryption` is refused in profile prod: mail would travel in the open"), "{report}");
    assert!(report.contains("`encryption = \"start_tls\"` below [smtp] in athyper.prod.toml"), "{report}");
    let mut said = prod.to_vec();
    said.push(("ATHYPER__SMTP__ENCRYPTION", "plain"));
    let report = load(&folder, &said).unwrap_err().to_string();
    assert!(report.contains("ATHYPER__SMTP__ENCRYPTION is refused in profile prod"), "{report}");
    assert!(report.contains("ATHYPER__SMTP__ENCRYPTION=start_tls"), "{report}");
    said.push(("ATHYPER__SMTP__ENCRYPTION", "start_tls"));
    assert_eq!(load(&folder, &said).unwrap().profile(), Profile::Prod);
}

#[test]
fn two_sections_of_one_name_are_a_mistake_of_the_product() {
    #[derive(Debug, Config)]
    #[config(section = "http")]
    struct MyHttp {
        #[config(default = 1, variable = "PORT")]
        port: u16,
    }
    #[derive(Debug, Config)]
    #[config(section = "mine")]
    struct Mine {
        #[config(default = 1, variable = "PORT")]
        port: u16,
    }

    let sections = vec![MyHttp::DESCRIPTOR, Mine::DESCRIPTOR];
    let problems = Configuration::load(LoadOptions { sections, ..LoadOptions::default() }).unwrap_err();
    assert_eq!(problems.exit_code(), 70);
    let report = problems.to_string();
    assert!(report.contains("section `http` is declared twice [ATH-CONFIG-DUPLICATE]"), "{report}");
    assert!(report.contains("struct `MyHttp`") && report.contains("struct `HttpConfig`"), "{report}");
    assert!(report.contains("variable PORT sets both `http.port` and `mine.port`"), "{report}");
    let _ = (|section: MyHttp| section.port, |section: Mine| section.port);
}

#[test]
fn the_builder_says_where_it_said_it() {
    let folder = Folder::new().file("athyper.toml", ENOUGH);
    let options = LoadOptions {
        directory: Some(folder.path().to_owned()),
        overrides: vec![Override::new("smtp.port", "high", athyper::container::Place::caller())],
        sections: vec![SmtpConfig::DESCRIPTOR],
        ..LoadOptions::default()
    };
    let report = Configuration::load(options).unwrap_err().to_string();
    assert!(report.contains("builder at athyper/tests/config/derived.rs:"), "{report}");
    assert!(report.contains(".set(\"smtp.port\", \"587\")"), "{report}");
}

#[test]
fn what_is_missing_from_a_nested_table_is_said_where_it_belongs() {
    let folder = Folder::new().file("athyper.toml", &format!("{ENOUGH}fallback = {{}}\n"));
    let report = load(&folder, &[]).unwrap_err().to_string();
    assert!(report.contains("`host = …` below [smtp.fallback] in athyper.toml"), "{report}");
    assert!(report.contains("ATHYPER__SMTP__FALLBACK__HOST=…"), "{report}");
}
