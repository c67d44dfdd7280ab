//! Every key that a section knows, and the nearest one to a key that none knows.

use crate::foundation::config::{FieldDescriptor, SectionDescriptor, Shape};

use super::root::ROOT_FIELDS;

/// How alike two words must be for one to be offered instead of the other (Jaro-Winkler, from 0 to 1).
const ALIKE: f64 = 0.8;

/// How many edits apart two variables may be for one to be a misspelling of the other.
const MISSPELT: usize = 2;

/// One known key, with its path.
#[derive(Debug, Clone)]
pub(super) struct KnownKey {
    pub(super) path: String,
    pub(super) field: FieldDescriptor,
}

/// Every key that a section knows.
#[derive(Debug, Clone)]
pub(super) struct KnownKeys {
    keys: Vec<KnownKey>,
    sections: Vec<&'static str>,
}

/// `smtp.retry.attempts` is `ATHYPER__SMTP__RETRY__ATTEMPTS`.
pub(super) fn variable_of(path: &str) -> String {
    format!("ATHYPER__{}", path.replace('.', "__").to_ascii_uppercase())
}

pub(super) fn join(prefix: &str, key: &str) -> String {
    match key {
        "" => prefix.to_owned(),
        _ if prefix.is_empty() => key.to_owned(),
        _ => format!("{prefix}.{key}"),
    }
}

impl KnownKeys {
    /// The keys of these sections, nested tables walked through.
    pub(super) fn of(sections: &[SectionDescriptor]) -> Self {
        let mut keys = Vec::new();
        walk("", ROOT_FIELDS, &mut keys);
        for section in sections {
            walk(section.name, section.fields, &mut keys);
        }
        Self { keys, sections: sections.iter().map(|section| section.name).collect() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &KnownKey> {
        self.keys.iter()
    }

    pub(super) fn find(&self, path: &str) -> Option<&KnownKey> {
        self.keys.iter().find(|known| known.path == path)
    }

    /// The known key that was meant by an unknown one: a sibling spelt alike, the same key of a section spelt alike, or the
    /// only key of that name elsewhere.
    pub(super) fn nearest(&self, path: &str) -> Option<String> {
        let Some((parent, last)) = path.rsplit_once('.') else {
            let roots = ROOT_FIELDS.iter().map(|field| field.key);
            return nearest_word(path, self.sections.iter().copied().chain(roots)).map(str::to_owned);
        };
        if let Some(key) = nearest_word(last, self.children(parent)) {
            return Some(join(parent, key));
        }
        let (section, rest) = path.split_once('.')?;
        if !self.sections.contains(&section)
            && let Some(meant) = nearest_word(section, self.sections.iter().copied())
        {
            return Some(join(meant, rest)).filter(|path| self.find(path).is_some());
        }
        let mut namesakes = self.keys.iter().filter(|known| known.path.rsplit('.').next() == Some(last));
        match (namesakes.next(), namesakes.next()) {
            (Some(only), None) => Some(only.path.clone()),
            _ => None,
        }
    }

    /// The keys that stand directly under a path.
    pub(super) fn children<'a>(&'a self, parent: &'a str) -> impl Iterator<Item = &'a str> {
        let mut previous = "";
        self.keys
            .iter()
            .filter_map(move |known| known.path.strip_prefix(parent)?.strip_prefix('.')?.split('.').next())
            .filter(move |key| std::mem::replace(&mut previous, key) != *key)
    }

    pub(super) fn sections(&self) -> &[&'static str] {
        &self.sections
    }

    /// The variable that a name which begins like ours must be a misspelling of, such as `ATHYPER_HTTP_PORT` of
    /// `ATHYPER__HTTP__PORT`.
    pub(super) fn misspelt_variable(&self, name: &str) -> Option<String> {
        let variables = self
            .keys
            .iter()
            .flat_map(|known| known.field.variable.map(str::to_owned).into_iter().chain([variable_of(&known.path)]));
        let said = squeeze(name);
        variables
            .map(|variable| (strsim::damerau_levenshtein(&said, &squeeze(&variable)), variable))
            .filter(|(edits, variable)| *edits <= MISSPELT && variable != name)
            .min_by_key(|(edits, _)| *edits)
            .map(|(_, variable)| variable)
    }
}

fn squeeze(name: &str) -> String {
    name.split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}

fn walk(prefix: &str, fields: &[FieldDescriptor], known: &mut Vec<KnownKey>) {
    for field in fields {
        let path = join(prefix, field.key);
        match field.shape {
            Shape::Table(inner) => walk(&path, inner(), known),
            _ => known.push(KnownKey { path, field: *field }),
        }
    }
}

fn nearest_word<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate)
}
