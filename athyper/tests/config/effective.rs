//! What the `config` command shows.

use std::collections::BTreeMap;

use athyper::config::{Config, ConfigSection, Configuration, LoadOptions, Override, Secret};
use serde::Deserialize;

use crate::support::{Folder, environment};

#[derive(Debug, Config)]
#[config(section = "billing")]
struct Billing {
    /// Where invoices go.
    #[config(default = "https://example.org")]
    endpoint: String,
    key: Secret<String>,
    #[config(default = "changeme")]
    signing_key: Secret<String>,
    signing_secret: String,
    keys: Vec<Secret<String>>,
    #[config(deserialize)]
    opaque: Inner,
    #[config(deserialize, shown)]
    shown: Vec<u32>,
    partner: BTreeMap<String, Partner>,
    limits: Limits,
    unset: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Inner {
    inside: Secret<String>,
}

#[derive(Debug, Config)]
struct Partner {
    token: Secret<String>,
    url: String,
}

#[derive(Debug, Config)]
struct Limits {
    #[config(default = 10)]
    most: u32,
}

const TEXT: &str = r#"
[billing]
key = "hunter2"
signing_secret = "hunter2"
keys = ["hunter2", "hunter2"]
opaque.inside = "hunter2"
shown = [1, 2]
partner.acme = { token = "hunter2", url = "https://u:hunter2@acme.example" }
"#;

fn load() -> (Configuration, Folder) {
    let folder = Folder::new().file("athyper.toml", TEXT);
    let configuration = Configuration::load(LoadOptions {
        directory: Some(folder.path().to_owned()),
        environment: environment(&[("REDIS_URL", "redis://:hunter2@cache:6379"), ("PORT", "8080")]),
        overrides: vec![Override::new("billing.limits.most", "11", None)],
        sections: vec![Billing::DESCRIPTOR],
        ..LoadOptions::default()
    });
    (configuration.unwrap(), folder)
}

#[test]
fn each_key_has_its_value_and_origin() {
    let (configuration, folder) = load();
    let effective = configuration.effective();
    let shown = |key: &str| {
        let value = effective.get(key).unwrap_or_else(|| panic!("{key}"));
        (value.value.clone().unwrap_or_default(), value.origin.clone())
    };
    let file = |line: u32| format!("{}:{line}", folder.path().join("athyper.toml").display());
    let row = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    assert_eq!(shown("http.port"), row("8080", "variable PORT"));
    assert_eq!(shown("http.host"), row("127.0.0.1", "default"));
    assert_eq!(shown("billing.endpoint"), row("https://example.org", "default"));
    assert_eq!(shown("billing.key"), row("[secret]", &file(3)));
    assert_eq!(shown("billing.signing_key"), row("[secret]", "default"));
    assert_eq!(shown("billing.signing_secret"), row("[secret]", &file(4)));
    assert_eq!(shown("billing.keys"), row("[secret]", &file(5)));
    assert_eq!(shown("billing.opaque"), row("[not shown]", &file(6)));
    assert_eq!(shown("billing.shown"), row("[1, 2]", &file(7)));
    let partner = "{ acme = { token = [secret], url = https://u:[secret]@acme.example } }";
    assert_eq!(shown("billing.partner"), row(partner, &file(8)));
    assert_eq!(shown("billing.limits.most"), row("11", "builder"));
    assert_eq!(shown("billing.unset"), row("", "default"));
    assert_eq!(shown("mode"), row("all", "default"));
    assert_eq!(shown("profile"), row("dev", "default"));
    assert_eq!(shown("jobs.url"), row("redis://:[secret]@cache:6379", "redis.url, variable REDIS_URL"));
    assert_eq!(shown("database.url"), row("sqlite://data/athyper.db", "default"));
    assert_eq!(effective.get("billing.endpoint").unwrap().description, "Where invoices go.");
}

#[test]
fn no_form_of_it_shows_a_secret() {
    let (configuration, _folder) = load();
    let effective = configuration.effective();
    let outputs = [
        effective.to_string(),
        serde_json::to_string(&effective).unwrap(),
        format!("{effective:?}"),
        format!("{configuration:?}"),
        format!("{:?}", configuration.section::<Billing>().unwrap().key),
    ];
    for output in outputs {
        assert!(!output.contains("hunter2") && !output.contains("changeme"), "{output}");
    }
    let billing = configuration.section::<Billing>().unwrap();
    let (partner, inside) = (&billing.partner["acme"], &billing.opaque.inside);
    assert_eq!(
        [partner.token.expose(), inside.expose(), billing.signing_key.expose()],
        ["hunter2", "hunter2", "changeme"]
    );
    assert_eq!((billing.keys.len(), billing.shown.len(), billing.limits.most), (2, 2, 11));
    assert!(billing.unset.is_none() && partner.url.contains('@') && billing.endpoint.starts_with("https"));
    assert_eq!(billing.signing_secret, "hunter2");
}

#[test]
fn as_json_it_is_a_list_of_keys() {
    let (configuration, _folder) = load();
    let json = serde_json::to_value(configuration.effective()).unwrap();
    let port = json.as_array().unwrap().iter().find(|row| row["key"] == "http.port").unwrap();
    assert_eq!((&port["value"], &port["origin"]), (&"8080".into(), &"variable PORT".into()));
    let unset = json.as_array().unwrap().iter().find(|row| row["key"] == "billing.unset").unwrap();
    assert!(unset["value"].is_null());
}

#[test]
fn as_text_it_is_a_table() {
    let (configuration, _folder) = load();
    let text = configuration.effective().to_string();
    let column = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key)).unwrap();
        line.find("variable").or_else(|| line.find("default")).unwrap()
    };
    assert_eq!(column("http.port"), column("http.host"));
}
