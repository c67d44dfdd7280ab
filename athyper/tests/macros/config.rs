//! `#[derive(Config)]`.

use std::collections::BTreeMap;
use std::time::Duration;

use athyper::config::{
    ConfigData, ConfigSection, ConfigTable, ConfigValue, DefaultValue, FieldDescriptor, FromConfigValue, IssueKind,
    Origin, Profile, Secret, SectionCheck, Shape,
};
use athyper::prelude::*;
use athyper::private::ATHYPER_SECTIONS_V0;
use serde::Deserialize;

#[derive(Debug, Default, PartialEq, Config)]
struct Retry {
    #[config(default = 3)]
    attempts: u32,
}

#[derive(Debug, PartialEq)]
struct Level(u8);

impl std::str::FromStr for Level {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

#[derive(Debug, PartialEq, Config)]
enum Format {
    Json,
    PlainText,
    #[config(word = "xml!")]
    Xml,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Header {
    name: String,
}

#[derive(Debug, Config)]
#[config(section = "smtp", check = check_smtp)]
struct SmtpConfig {
    /// The mail server.
    ///
    /// More about it.
    host: String,
    #[config(default = 587, variable = "SMTP_PORT")]
    port: u16,
    #[config(default = "30s", prod_default = "5s")]
    timeout: Duration,
    #[config(insecure_in_prod = "mail would go out unsigned")]
    key: Option<Secret<String>>,
    #[config(default)]
    retry: Retry,
    #[config(parse)]
    level: Level,
    #[config(parse)]
    low: Option<Level>,
    #[config(deserialize, shown, default = BTreeMap::new())]
    headers: BTreeMap<String, Header>,
    #[config(default = ["a", "b"], secret)]
    hosts: Vec<String>,
    #[config(default = -1)]
    offset: i64,
    #[config(default = "plain_text")]
    format: Format,
    #[config(default = 1_000)]
    r#type: u32,
}

fn check_smtp(config: &SmtpConfig, check: &mut SectionCheck) {
    if config.port == 25 {
        check.invalid("port", "is for relays");
    }
}

fn table(entries: &[(&str, &str)]) -> ConfigValue {
    let entries = entries.iter().map(|(key, text)| {
        let data = match text.strip_prefix('{') {
            Some(_) => ConfigData::Table(BTreeMap::new()),
            None => ConfigData::Text((*text).to_owned()),
        };
        ((*key).to_owned(), ConfigValue::new(data, Origin::Variable((*key).into())))
    });
    ConfigValue::new(ConfigData::Table(entries.collect()), Origin::Default)
}

fn field(key: &str) -> &'static FieldDescriptor {
    SmtpConfig::FIELDS.iter().find(|field| field.key == key).expect("a field")
}

#[test]
fn a_section_is_read_with_its_defaults() {
    let smtp = SmtpConfig::from_config_value(&table(&[("host", "mail"), ("level", "4")]), Profile::Dev).unwrap();
    assert_eq!((smtp.host.as_str(), smtp.port, smtp.timeout), ("mail", 587, Duration::from_secs(30)));
    assert!(smtp.key.is_none() && smtp.headers.is_empty() && smtp.low.is_none());
    // What `Default::default()` gives, not what an empty table would.
    assert_eq!((smtp.retry, smtp.level), (Retry { attempts: 0 }, Level(4)));
    assert_eq!((smtp.hosts, smtp.offset), (vec!["a".to_owned(), "b".to_owned()], -1));
    assert_eq!((smtp.format, smtp.r#type), (Format::PlainText, 1000));
}

#[test]
fn every_issue_is_found_at_once() {
    let said = table(&[("port", "no"), ("format", "yaml"), ("low", "x"), ("hots", "mail"), ("retry", "{}")]);
    let error = SmtpConfig::from_config_value(&said, Profile::Dev).unwrap_err();
    let mut found: Vec<_> = error.issues().map(|issue| (issue.key.as_str(), issue.kind)).collect();
    found.sort_by_key(|(key, _)| *key);
    assert_eq!(
        found,
        [
            ("format", IssueKind::Type),
            ("host", IssueKind::Missing),
            ("hots", IssueKind::Unknown),
            ("level", IssueKind::Missing),
            ("low", IssueKind::Type),
            ("port", IssueKind::Type),
        ]
    );
}

#[test]
fn the_check_looks_at_the_whole() {
    let said = table(&[("host", "mail"), ("level", "1"), ("port", "25")]);
    let error = SmtpConfig::from_config_value(&said, Profile::Dev).unwrap_err();
    assert!(error.to_string().contains("is for relays"), "{error}");
    let error = SmtpConfig::from_config_value(&said, Profile::Prod).unwrap_err();
    assert!(error.to_string().contains("mail would go out unsigned"), "{error}");
}

#[test]
fn words_are_read_by_their_spelling() {
    for (text, format) in [("json", Format::Json), ("plain_text", Format::PlainText), ("xml!", Format::Xml)] {
        let value = ConfigValue::new(ConfigData::Text(text.to_owned()), Origin::Default);
        assert_eq!(Format::from_config_value(&value, Profile::Dev).unwrap(), format);
    }
}

#[test]
fn fields_describe_themselves() {
    assert_eq!(field("host").doc, "The mail server.");
    assert_eq!(field("port").variable, Some("SMTP_PORT"));
    assert_eq!(field("port").default, Some(DefaultValue::Text("587")));
    assert_eq!(field("timeout").prod_default, Some(DefaultValue::Text("5s")));
    assert_eq!(field("retry").default, Some(DefaultValue::Expression("Default::default()")));
    assert_eq!(field("headers").default, Some(DefaultValue::Expression("BTreeMap::new()")));
    assert_eq!(field("hosts").default, Some(DefaultValue::List(&["a", "b"])));
    assert_eq!(field("type").default, Some(DefaultValue::Text("1000")));
    assert!(field("key").optional && field("low").optional && !field("level").optional);
    assert!(field("hosts").shape.is_secret() && field("key").shape.is_secret());
    assert!(matches!(field("headers").shape, Shape::Value));
    let place = field("host").place.unwrap();
    let line = include_str!("config.rs").lines().nth(place.line as usize - 1).unwrap();
    assert_eq!(&line[place.column as usize - 1..], "host: String,");
}

#[test]
fn a_section_is_in_the_table() {
    let sections: Vec<_> = ATHYPER_SECTIONS_V0.iter().filter(|section| section.module == module_path!()).collect();
    assert_eq!(sections.len(), 1);
    assert_eq!((sections[0].name, sections[0].label), ("smtp", "struct `SmtpConfig`"));
    assert_eq!(sections[0].key, <SmtpConfig as ConfigSection>::DESCRIPTOR.key);
}
