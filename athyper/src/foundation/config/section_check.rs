//! Looking at a section as a whole.

use std::collections::BTreeMap;

use super::{ConfigError, ConfigIssue, ConfigValue, FieldDescriptor, IssueKind, Origin, Profile};

/// What a section's `check` reports to: rules between fields, and what profile `prod` refuses.
///
/// ```
/// use athyper::config::SectionCheck;
///
/// struct Mirror { from: String, to: String, verify: bool }
///
/// fn check_mirror(mirror: &Mirror, check: &mut SectionCheck) {
///     if mirror.from == mirror.to {
///         check.invalid("to", "is the same as `from`");
///     }
///     if !mirror.verify {
///         check.insecure("verify", "certificates would not be verified", "true");
///     }
/// }
/// ```
#[derive(Debug)]
pub struct SectionCheck {
    profile: Profile,
    origins: BTreeMap<String, Origin>,
    error: ConfigError,
}

impl SectionCheck {
    pub(super) fn new(profile: Profile, entries: &BTreeMap<String, ConfigValue>) -> Self {
        let origins = entries.iter().map(|(key, value)| (key.clone(), value.origin.clone())).collect();
        Self { profile, origins, error: ConfigError::none() }
    }

    /// The profile.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// The value of `key` breaks a rule: `what` follows the key's name. Do not repeat secrets in it.
    pub fn invalid(&mut self, key: &str, what: impl Into<String>) {
        self.push(IssueKind::Invalid, key, what.into(), None);
    }

    /// Profile `prod` refuses the value of `key`, because of `why`; `instead` would do. Other profiles accept it.
    pub fn insecure(&mut self, key: &str, why: &str, instead: &str) {
        if self.profile == Profile::Prod {
            let instead = Some(instead.to_owned()).filter(|value| !value.is_empty());
            self.push(IssueKind::Insecure, key, format!("is refused in profile prod: {why}"), instead);
        }
    }

    pub(super) fn find_insecure_defaults(&mut self, fields: &[FieldDescriptor]) {
        for field in fields {
            if let Some(why) = field.insecure_by_default
                && !self.origins.contains_key(field.key)
            {
                self.insecure(field.key, &format!("nobody said it, and {why}"), "");
            }
        }
    }

    pub(super) fn into_error(self) -> ConfigError {
        self.error
    }

    fn push(&mut self, kind: IssueKind, key: &str, what: String, suggestion: Option<String>) {
        let origin = self.origins.get(key).cloned();
        let mut issue = ConfigIssue::new(kind, key, what, origin);
        issue.suggestion = suggestion;
        self.error.push(issue);
    }
}
