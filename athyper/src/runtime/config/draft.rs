//! Reading every source; what is wrong is kept, so that the rest of the product can be checked in the same report.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use crate::foundation::config::{
    ConfigData, ConfigError, ConfigIssue, ConfigSection, ConfigValue, FromConfigValue, IssueKind, Modes, Origin,
    Profile, SectionDescriptor, Shape, is_key,
};
use crate::foundation::problem::{Problem, ProblemClass, Problems};

use super::environment::read_variables;
use super::file::{FileLayer, read_file};
use super::known_keys::{KnownKeys, join};
use super::merge::{merge, single};
use super::problems::describe;
use super::root::ROOT_FIELDS;
use super::sections::FRAMEWORK_SECTIONS;
use super::stores::{StorePort, refused_stores};
use super::{Configuration, LoadOptions};

/// A configuration that was read and may have problems. Whatever could be read is there already, so that the rest of the
/// product can be checked too before everything is reported at once.
#[derive(Debug)]
pub struct ConfigurationDraft {
    configuration: Configuration,
    problems: Problems,
    /// What matters only when the section is wanted.
    of_sections: Vec<(SectionDescriptor, Problem)>,
    stores_are_known: bool,
}

impl ConfigurationDraft {
    /// Reads every source and every section.
    #[must_use]
    pub fn read(options: LoadOptions) -> Self {
        let mut problems = Problems::new();
        let sections = known_sections(&options.sections, &mut problems);
        let known = KnownKeys::of(&sections);
        check_variables(&known, &mut problems);
        let mut sources = Sources::read(&options, &known, &mut problems);
        let broken = std::mem::take(&mut sources.broken_lines);
        let (entries, mut issues) = sources.merge(&sections);

        let profile = sources.profile;
        let root = ConfigValue::new(ConfigData::Table(entries), Origin::Default);
        let modes = read_root(&root, &options, profile, &sections, &mut issues);

        let mut reading = Reading { known: &known, profile, broken: &broken, problems, of_sections: Vec::new() };
        for issue in issues.into_issues() {
            reading.report(issue, None);
        }
        let mut values = HashMap::new();
        for section in &sections {
            let empty = ConfigValue::new(ConfigData::Table(BTreeMap::new()), Origin::Default);
            let read = (section.read)(root.at(&[section.name]).unwrap_or(&empty), profile);
            match read {
                Ok(value) => drop(values.insert(section.key.type_id(), value)),
                Err(error) => {
                    for issue in error.at(section.name, None, Shape::Value).into_issues() {
                        reading.report(issue, Some(section));
                    }
                }
            }
        }
        let Reading { problems, of_sections, .. } = reading;
        let configuration = Configuration { profile, modes, root, sections, values };
        // What is unset may just have been misspelt.
        let stores_are_known = broken.is_empty() && configuration.stores_are_read();
        Self { configuration, problems, of_sections, stores_are_known }
    }

    /// What the process is run for; [`Dev`](Profile::Dev) when what was said is none.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.configuration.profile
    }

    /// Which parts the process runs; all of them when what was said is none.
    #[must_use]
    pub const fn modes(&self) -> Modes {
        self.configuration.modes
    }

    /// A section, if it could be read.
    #[must_use]
    pub fn section<T: ConfigSection>(&self) -> Option<Arc<T>> {
        self.configuration.section::<T>().ok()
    }

    /// What could be read, whatever is wrong beside it.
    #[must_use]
    pub const fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Everything that is wrong. What is missing counts only in sections that are `wanted` and for stores that are `used`: a
    /// process that runs no worker needs no password of a mail server.
    pub fn problems(&self, wanted: impl Fn(&SectionDescriptor) -> bool, used: impl Fn(StorePort) -> bool) -> Problems {
        let mut problems = self.problems.clone();
        if self.profile() == Profile::Prod && self.stores_are_known {
            let stores = StorePort::ALL.into_iter().filter(|port| used(*port));
            let stores: Vec<_> = stores.map(|port| self.configuration.store(port)).collect();
            refused_stores(&stores).into_iter().for_each(|problem| problems.push(problem));
        }
        for (_, problem) in self.of_sections.iter().filter(|(section, _)| wanted(section)) {
            problems.push(problem.clone());
        }
        problems
    }

    /// The configuration, if nothing is wrong with it.
    ///
    /// # Errors
    /// What [`problems`](Self::problems) says.
    pub fn finish(
        self,
        wanted: impl Fn(&SectionDescriptor) -> bool,
        used: impl Fn(StorePort) -> bool,
    ) -> Result<Configuration, Problems> {
        let problems = self.problems(wanted, used);
        if problems.is_empty() { Ok(self.configuration) } else { Err(problems) }
    }
}

struct Reading<'a> {
    known: &'a KnownKeys,
    profile: Profile,
    broken: &'a [Origin],
    problems: Problems,
    of_sections: Vec<(SectionDescriptor, Problem)>,
}

impl Reading<'_> {
    fn report(&mut self, issue: ConfigIssue, section: Option<&SectionDescriptor>) {
        let absent =
            matches!(issue.kind, IssueKind::Missing) || (issue.kind == IssueKind::Insecure && issue.origin.is_none());
        // A line that could not be read may have said it.
        if absent && !self.broken.is_empty() {
            return;
        }
        let problem = describe(&issue, section, self.known, self.profile);
        match section {
            Some(section) if absent => self.of_sections.push((*section, problem)),
            _ => self.problems.push(problem),
        }
    }
}

/// The framework's sections and the product's, each once.
fn known_sections(product: &[SectionDescriptor], problems: &mut Problems) -> Vec<SectionDescriptor> {
    let mut sections: Vec<SectionDescriptor> = Vec::new();
    for section in FRAMEWORK_SECTIONS.iter().chain(product) {
        if sections.iter().any(|known| known.key == section.key) {
            continue;
        }
        let clash = sections.iter().find(|known| known.name == section.name);
        let root = ROOT_FIELDS.iter().any(|field| field.key == section.name);
        if clash.is_none() && !root {
            check_keys(section, problems);
            sections.push(*section);
            continue;
        }
        let what = format!("section `{}` is declared twice", section.name);
        let mut problem = Problem::new(ProblemClass::Wiring, "ATH-CONFIG-DUPLICATE", what).with_detail(
            "by",
            section.label,
            Some(section.place.to_string()),
        );
        problem = match clash {
            Some(first) => problem.with_detail("and by", first.label, Some(first.place.to_string())),
            None => problem.with_detail("and by", "a key of the framework outside of every section", None),
        };
        problems.push(problem.with_fix("give one of them another name: #[config(section = \"…\")]"));
    }
    sections.sort_by_key(|section| section.name);
    sections
}

/// A key that no variable can spell cannot be set in every source.
fn check_keys(section: &SectionDescriptor, problems: &mut Problems) {
    for field in section.fields.iter().filter(|field| !is_key(field.key)) {
        let what = format!("key `{}` of section `{}` cannot be spelt by a variable", field.key, section.name);
        problems.push(
            Problem::new(ProblemClass::Wiring, "ATH-CONFIG-KEY", what)
                .with_detail("by", section.label, Some(field.place.unwrap_or(section.place).to_string()))
                .with_fix("use lower-case letters, digits and single `_`"),
        );
    }
}

/// One short variable cannot set two keys.
fn check_variables(known: &KnownKeys, problems: &mut Problems) {
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    for key in known.iter() {
        let Some(variable) = key.field.variable else { continue };
        if let Some(first) = taken.insert(variable, &key.path) {
            let what = format!("variable {variable} sets both `{first}` and `{}`", key.path);
            let place = key.field.place.map(|place| place.to_string());
            problems.push(
                Problem::new(ProblemClass::Wiring, "ATH-CONFIG-DUPLICATE", what)
                    .with_detail("by", key.path.as_str(), place)
                    .with_fix("give one of them another variable"),
            );
        }
    }
}

/// What every source says, weakest first.
struct Sources {
    profile: Profile,
    layers: Vec<BTreeMap<String, ConfigValue>>,
    broken_lines: Vec<Origin>,
}

impl Sources {
    fn read(options: &LoadOptions, known: &KnownKeys, problems: &mut Problems) -> Self {
        let mut sources = Self { profile: Profile::default(), layers: Vec::new(), broken_lines: Vec::new() };
        let variables = read_variables(&options.environment, known, problems);
        let base = sources.take_file(options.directory.as_deref(), "athyper.toml", problems);

        let mut strong: Vec<_> = variables.into_iter().map(|said| (said.path, said.value)).collect();
        for said in &options.overrides {
            let value = ConfigValue::text(said.value.clone(), Origin::Builder(said.place));
            strong.push((said.key.split('.').map(str::to_owned).collect(), value));
        }
        if let Some(profile) = options.profile {
            strong.push((vec!["profile".to_owned()], ConfigValue::text(profile.word(), Origin::Builder(None))));
        }
        if let Some(modes) = options.modes {
            strong.push((vec!["mode".to_owned()], ConfigValue::text(modes.to_string(), Origin::Builder(None))));
        }

        let said = strong.iter().rev().find(|(path, _)| *path == ["profile"]).map(|(_, value)| value);
        let profile = said.or_else(|| base.get("profile"));
        sources.profile =
            profile.and_then(|value| Profile::from_config_value(value, Profile::Dev).ok()).unwrap_or_default();

        let name = format!("athyper.{}.toml", sources.profile);
        let mut of_profile = sources.take_file(options.directory.as_deref(), &name, problems);
        if let Some(profile) = of_profile.remove("profile") {
            problems.push(
                Problem::new(
                    ProblemClass::Configuration,
                    "ATH-CONFIG-INVALID",
                    format!("`profile` cannot be set in {name}"),
                )
                .with_detail("set by", "profile", Some(profile.origin.to_string()))
                .with_fix("the file is read because of the profile: set it in athyper.toml, or ATHYPER_PROFILE=…"),
            );
        }
        sources.layers = vec![base, of_profile];
        sources.layers.extend(
            strong.into_iter().map(|(path, value)| single(&path.iter().map(String::as_str).collect::<Vec<_>>(), value)),
        );
        sources
    }

    fn take_file(
        &mut self,
        directory: Option<&Path>,
        name: &str,
        problems: &mut Problems,
    ) -> BTreeMap<String, ConfigValue> {
        let Some(directory) = directory else { return BTreeMap::new() };
        let FileLayer { entries, problems: found, broken_lines } = read_file(&directory.join(name));
        problems.extend(found);
        self.broken_lines.extend(broken_lines);
        entries
    }

    fn merge(&mut self, sections: &[SectionDescriptor]) -> (BTreeMap<String, ConfigValue>, ConfigError) {
        let mut entries = BTreeMap::new();
        let mut issues = ConfigError::none();
        let shape = |key: &str| {
            let section = sections.iter().find(|section| section.name == key).map(|section| section.shape);
            section.or_else(|| ROOT_FIELDS.iter().find(|field| field.key == key).map(|field| field.shape))
        };
        for layer in self.layers.drain(..) {
            merge(&mut entries, layer, "", &shape, &mut issues);
        }
        (entries, issues)
    }
}

/// Reads the keys outside of every section, and finds those that nobody knows.
fn read_root(
    root: &ConfigValue,
    options: &LoadOptions,
    profile: Profile,
    sections: &[SectionDescriptor],
    issues: &mut ConfigError,
) -> Modes {
    let ConfigData::Table(entries) = &root.data else { return Modes::ALL };
    for (key, value) in entries {
        if sections.iter().any(|section| section.name == key) {
            continue;
        }
        let read = match key.as_str() {
            "profile" => Profile::from_config_value(value, profile).map(drop),
            "mode" => Modes::from_config_value(value, profile).map(drop),
            _ => {
                value.leaves(key, &mut |path, value| {
                    let origin = Some(value.origin.clone());
                    issues.push(ConfigIssue::new(IssueKind::Unknown, path, "is not known", origin));
                });
                continue;
            }
        };
        if let Err(error) = read {
            issues.extend(error.at(&join("", key), Some(value), Shape::Value));
        }
    }
    let said =
        options.modes.or_else(|| root.at(&["mode"]).and_then(|value| Modes::from_config_value(value, profile).ok()));
    if said.is_none() && profile == Profile::Prod && root.at(&["mode"]).is_none() {
        let what = "must be said in profile prod: MODE is not set";
        let mut issue = ConfigIssue::new(IssueKind::Missing, "mode", what, None);
        issue.suggestion = Some("all".to_owned());
        issues.push(issue);
    }
    said.unwrap_or(Modes::ALL)
}
