//! A section written by hand, as `#[derive(Config)]` writes it.

use std::collections::BTreeMap;
use std::time::Duration;

use athyper::config::{
    ConfigData, ConfigSection, ConfigTable, ConfigValue, DefaultValue, FieldDescriptor, FromConfigValue, IssueKind,
    Origin, Profile, Secret, SectionCheck, SectionDescriptor, TableReader,
};
use athyper::container::Place;

#[derive(Debug)]
struct SmtpConfig {
    host: String,
    port: u16,
    timeout: Duration,
    password: Option<Secret<String>>,
    retry: Retry,
}

#[derive(Debug)]
struct Retry {
    attempts: u32,
}

impl ConfigTable for Retry {
    const FIELDS: &'static [FieldDescriptor] =
        &[FieldDescriptor::new::<u32>("attempts").with_default(DefaultValue::Text("3"))];

    fn from_table(reader: &mut TableReader<'_>) -> Option<Self> {
        let attempts = reader.field::<u32>("attempts");
        Some(Self { attempts: attempts? })
    }
}

impl ConfigTable for SmtpConfig {
    const FIELDS: &'static [FieldDescriptor] = &[
        FieldDescriptor::new::<String>("host").with_doc("The mail server."),
        FieldDescriptor::new::<u16>("port").with_default(DefaultValue::Text("587")),
        FieldDescriptor::new::<Duration>("timeout")
            .with_default(DefaultValue::Text("30s"))
            .with_prod_default(DefaultValue::Text("5s")),
        FieldDescriptor::new::<Option<Secret<String>>>("password").insecure_by_default("anybody could send mail"),
        FieldDescriptor::new::<Retry>("retry"),
    ];

    fn from_table(reader: &mut TableReader<'_>) -> Option<Self> {
        let host = reader.field::<String>("host");
        let port = reader.field::<u16>("port");
        let timeout = reader.field::<Duration>("timeout");
        let password = reader.field::<Option<Secret<String>>>("password");
        let retry = reader.field::<Retry>("retry");
        Some(Self { host: host?, port: port?, timeout: timeout?, password: password?, retry: retry? })
    }

    fn check(&self, check: &mut SectionCheck) {
        if self.retry.attempts > 10 {
            check.invalid("retry", "gives up too late");
        }
    }
}

impl ConfigSection for SmtpConfig {
    const DESCRIPTOR: SectionDescriptor = SectionDescriptor::of::<Self>(
        "smtp",
        "struct `SmtpConfig`",
        Place { file: file!(), line: line!(), column: column!() },
        module_path!(),
    );
}

fn table(entries: &[(&str, ConfigData)]) -> ConfigValue {
    let entries: BTreeMap<_, _> = entries
        .iter()
        .map(|(key, data)| ((*key).to_owned(), ConfigValue::new(data.clone(), Origin::Variable((*key).into()))))
        .collect();
    ConfigValue::new(ConfigData::Table(entries), Origin::Builder(None))
}

fn text(text: &str) -> ConfigData {
    ConfigData::Text(text.to_owned())
}

#[test]
fn defaults_fill_what_nobody_said() {
    let smtp = SmtpConfig::from_config_value(&table(&[("host", text("mail"))]), Profile::Dev).unwrap();
    assert_eq!((smtp.host.as_str(), smtp.port, smtp.timeout), ("mail", 587, Duration::from_secs(30)));
    assert_eq!(smtp.retry.attempts, 3);
    assert!(smtp.password.is_none());
}

#[test]
fn prod_has_its_own_defaults_and_refuses_insecure_ones() {
    let said = table(&[("host", text("mail")), ("password", text("123"))]);
    let smtp = SmtpConfig::from_config_value(&said, Profile::Prod).unwrap();
    assert_eq!(smtp.timeout, Duration::from_secs(5));
    assert_eq!(smtp.password.unwrap().expose(), "123");

    let error = SmtpConfig::from_config_value(&table(&[("host", text("mail"))]), Profile::Prod).unwrap_err();
    let issue = error.issues().next().unwrap();
    assert_eq!((issue.kind, issue.key.as_str()), (IssueKind::Insecure, "password"));
    assert!(issue.what().contains("anybody could send mail"), "{error}");
}

#[test]
fn all_issues_are_found_at_once() {
    let retry = table(&[("attempts", text("many")), ("atempts", text("1"))]);
    let said = table(&[("port", text("70000")), ("timeout", ConfigData::Integer(30)), ("retry", retry.data)]);
    let error = SmtpConfig::from_config_value(&said, Profile::Dev).unwrap_err();
    let found: Vec<_> = error.issues().map(|issue| (issue.kind, issue.key.as_str())).collect();
    assert_eq!(
        found,
        [
            (IssueKind::Missing, "host"),
            (IssueKind::Type, "port"),
            (IssueKind::Type, "timeout"),
            (IssueKind::Unknown, "retry.atempts"),
            (IssueKind::Type, "retry.attempts"),
        ]
    );
    assert!(error.to_string().contains("must be a whole number from 0 to 65535, not \"70000\""), "{error}");
}

#[test]
fn a_descriptor_reads_its_own_type() {
    let value = (SmtpConfig::DESCRIPTOR.read)(&table(&[("host", text("mail"))]), Profile::Test).unwrap();
    let instance = (SmtpConfig::DESCRIPTOR.instance)(&value).unwrap();
    assert_eq!(instance.downcast_ref::<std::sync::Arc<SmtpConfig>>().unwrap().host, "mail");
}
