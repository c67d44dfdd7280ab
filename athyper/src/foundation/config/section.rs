//! What `#[derive(Config)]` implements.

use super::{ConfigData, Origin, SectionDescriptor, TableReader};
use super::{ConfigError, ConfigValue, FieldDescriptor, FromConfigValue, IssueKind, Profile, SectionCheck, Shape};

/// A struct that is read from a table with known keys; `#[derive(Config)]` writes it.
///
/// The derive on
///
/// ```
/// # use std::collections::BTreeMap; use std::time::Duration;
/// # use athyper::config::{Config, Secret, SectionCheck};
/// # #[derive(Default, Config)] pub struct Retry { attempts: u32 }
/// # pub struct Level(u8);
/// # impl std::str::FromStr for Level { type Err = std::num::ParseIntError; fn from_str(s: &str) -> Result<Self, Self::Err> { s.parse().map(Self) } }
/// # #[derive(serde::Deserialize)] pub struct Header { name: String }
/// # fn check_smtp(config: &SmtpConfig, check: &mut SectionCheck) {}
/// #[derive(Config)]
/// #[config(section = "smtp", check = check_smtp)]
/// pub struct SmtpConfig {
///     /// The mail server.
///     host: String,
///     #[config(default = 587, variable = "SMTP_PORT")]
///     port: u16,
///     #[config(default = "30s", prod_default = "5s")]
///     timeout: Duration,
///     #[config(insecure_in_prod = "mail would go out unsigned")]
///     key: Option<Secret<String>>,
///     #[config(default)]                          // `Default::default()`
///     retry: Retry,                               // a nested table: `Retry` derives `Config` without `section`
///     #[config(parse)]
///     level: Level,                               // `FromStr`
///     #[config(deserialize, default = BTreeMap::new())]
///     headers: BTreeMap<String, Header>,          // serde
/// }
/// ```
///
/// emits exactly this, with every path through `athyper::private`:
///
/// ```
/// # use std::collections::BTreeMap; use std::time::Duration; use athyper::config::Secret;
/// # #[derive(Default)] pub struct Retry { attempts: u32 }
/// # impl athyper::private::ConfigTable for Retry {
/// #     const FIELDS: &'static [athyper::private::FieldDescriptor] = &[athyper::private::FieldDescriptor::new::<u32>("attempts")];
/// #     fn from_table(reader: &mut athyper::private::TableReader<'_>) -> Option<Self> { Some(Self { attempts: reader.field("attempts")? }) }
/// # }
/// # pub struct Level(u8);
/// # impl std::str::FromStr for Level { type Err = std::num::ParseIntError; fn from_str(s: &str) -> Result<Self, Self::Err> { s.parse().map(Self) } }
/// # #[derive(serde::Deserialize)] pub struct Header { name: String }
/// # fn check_smtp(config: &SmtpConfig, check: &mut athyper::private::SectionCheck) {}
/// # pub struct SmtpConfig { host: String, port: u16, timeout: Duration, key: Option<Secret<String>>, retry: Retry, level: Level, headers: BTreeMap<String, Header> }
/// impl athyper::private::ConfigTable for SmtpConfig {
///     const FIELDS: &'static [athyper::private::FieldDescriptor] = &[
///         athyper::private::FieldDescriptor::new::<String>("host")
///             .with_doc("The mail server.")
///             .at(athyper::private::Place { file: file!(), line: line!(), column: column!() }),   // the field's place
///         athyper::private::FieldDescriptor::new::<u16>("port")
///             .with_default(athyper::private::DefaultValue::Text("587"))   // a literal, stringified: 587, -1, 0.5, true, "30s"
///             .with_variable("SMTP_PORT"),
///         athyper::private::FieldDescriptor::new::<Duration>("timeout")
///             .with_default(athyper::private::DefaultValue::Text("30s"))
///             .with_prod_default(athyper::private::DefaultValue::Text("5s")),
///         athyper::private::FieldDescriptor::new::<Option<Secret<String>>>("key")
///             .insecure_by_default("mail would go out unsigned"),
///         athyper::private::FieldDescriptor::new::<Retry>("retry")
///             .with_default(athyper::private::DefaultValue::Expression("Default::default()")),
///         athyper::private::FieldDescriptor::parsed("level"),              // `parse`
///         athyper::private::FieldDescriptor::deserialized("headers")       // `deserialize`
///             .with_default(athyper::private::DefaultValue::Expression("BTreeMap::new()")),
///         // `default = ["a", "b"]` is `DefaultValue::List(&["a", "b"])`; `secret` is `.secret()`,
///         // `deserialize, shown` is `.shown()`; `parse` or `deserialize` on an `Option<T>` is `.optional()`.
///     ];
///
///     fn from_table(reader: &mut athyper::private::TableReader<'_>) -> ::core::option::Option<Self> {
///         // Every field is read before the first `?`, so that all issues are found at once.
///         let host = reader.field::<String>("host");
///         let port = reader.field::<u16>("port");
///         let timeout = reader.field::<Duration>("timeout");
///         let key = reader.field::<Option<Secret<String>>>("key");
///         // A default that is an expression is asked for first.
///         let retry = if reader.is_set("retry") { reader.field::<Retry>("retry") } else { Some(Default::default()) };
///         let level = reader.parsed::<Level>("level");                     // `parsed_optional::<Level>` for `Option<Level>`
///         let headers = if reader.is_set("headers") {
///             reader.deserialized::<BTreeMap<String, Header>>("headers")   // also for `Option<T>`: serde knows it
///         } else {
///             Some(BTreeMap::new())
///         };
///         Some(Self { host: host?, port: port?, timeout: timeout?, key: key?, retry: retry?, level: level?, headers: headers? })
///     }
///
///     fn check(&self, check: &mut athyper::private::SectionCheck) {       // only with `check = …`
///         check_smtp(self, check)
///     }
/// }
///
/// // Only with `section = …`:
/// impl athyper::private::ConfigSection for SmtpConfig {
///     const DESCRIPTOR: athyper::private::SectionDescriptor = athyper::private::SectionDescriptor::of::<Self>(
///         "smtp",
///         "struct `SmtpConfig`",
///         athyper::private::Place { file: file!(), line: line!(), column: column!() },
///         module_path!(),
///     );
/// }
/// const _: () = {
///     #[athyper::private::linkme::distributed_slice(athyper::private::ATHYPER_SECTIONS_V0)]
///     #[linkme(crate = athyper::private::linkme)]
///     static SECTION: athyper::private::SectionDescriptor = <SmtpConfig as athyper::private::ConfigSection>::DESCRIPTOR;
/// };
/// ```
///
/// and on a unit-only enum (words in snake case, `#[config(word = "…")]` on a variant renames it):
///
/// ```
/// # enum Format { Json, PlainText }
/// impl athyper::private::FromConfigValue for Format {
///     fn from_config_value(
///         value: &athyper::private::ConfigValue,
///         _profile: athyper::private::Profile,
///     ) -> ::core::result::Result<Self, athyper::private::ConfigError> {
///         athyper::private::read_word(value, &[("json", || Self::Json), ("plain_text", || Self::PlainText)])
///     }
/// }
/// ```
pub trait ConfigTable: Sized {
    /// Its fields.
    const FIELDS: &'static [FieldDescriptor];

    /// Reads every field; `None` when one of them has an issue, which the reader keeps.
    fn from_table(reader: &mut TableReader<'_>) -> Option<Self>;

    /// Looks at the whole: rules between fields, and what profile `prod` refuses.
    fn check(&self, check: &mut SectionCheck) {
        let _ = check;
    }
}

/// A [`ConfigTable`] that is a section of the configuration; `#[derive(Config)]` with `section = "…"` writes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a section of the configuration",
    note = "write `#[derive(Config)] #[config(section = \"…\")]` on it"
)]
pub trait ConfigSection: ConfigTable + Send + Sync + 'static {
    /// The section, as data.
    const DESCRIPTOR: SectionDescriptor;
}

#[diagnostic::do_not_recommend]
impl<T: ConfigTable> FromConfigValue for T {
    const SHAPE: Shape = Shape::Table(|| T::FIELDS);

    fn from_config_value(value: &ConfigValue, profile: Profile) -> Result<Self, ConfigError> {
        let ConfigData::Table(entries) = &value.data else {
            return Err(ConfigError::new(IssueKind::Type, "is a table with keys of its own, not one value"));
        };
        let mut reader = TableReader::new(entries, T::FIELDS, profile);
        reader.find_unknown();
        let read = T::from_table(&mut reader);
        let mut error = reader.into_error();
        match read {
            Some(table) if error.is_none() => {
                let mut check = SectionCheck::new(profile, entries);
                check.find_insecure_defaults(T::FIELDS);
                table.check(&mut check);
                error.extend(check.into_error());
                if error.is_none() { Ok(table) } else { Err(error) }
            }
            _ => Err(error),
        }
    }

    /// A table that nobody wrote is an empty one: its fields say what they are by default.
    fn when_absent(profile: Profile) -> Result<Self, ConfigError> {
        Self::from_config_value(&ConfigValue::new(ConfigData::Table(Default::default()), Origin::Default), profile)
    }
}
