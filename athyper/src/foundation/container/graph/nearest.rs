//! What somebody may have meant who wants what nobody provides.

use super::TypeKey;

/// How like two names have to be to suggest one for the other (Jaro-Winkler, 1 is equal).
const ALIKE: f64 = 0.85;

/// The key that is most like another one, if any is like it.
#[must_use]
pub(crate) fn nearest_key(wanted: TypeKey, known: impl IntoIterator<Item = TypeKey>) -> Option<TypeKey> {
    known
        .into_iter()
        .filter_map(|key| likeness(wanted, key).map(|likeness| (likeness, key)))
        .max_by(|(left, left_key), (right, right_key)| {
            left.total_cmp(right).then_with(|| right_key.to_string().cmp(&left_key.to_string()))
        })
        .map(|(_, key)| key)
}

/// How likely one key was meant by another: above 1 when they say the same in another form.
fn likeness(wanted: TypeKey, key: TypeKey) -> Option<f64> {
    if wanted == key {
        return None;
    }
    if wanted.type_id() == key.type_id() {
        return Some(5.0);
    }
    let (short, known) = (wanted.named(None).to_string(), key.named(None).to_string());
    if short == known {
        return Some(4.0);
    }
    let (base, known_base) = (base(&short), base(&known));
    if base == known_base {
        return Some(3.0);
    }
    // `SmtpMailer` may implement `Mailer`.
    if short.starts_with("dyn ") && known_base.len() > base.len() && known_base.ends_with(base) {
        return Some(2.0);
    }
    Some(strsim::jaro_winkler(base, known_base)).filter(|likeness| *likeness >= ALIKE)
}

/// The name without `dyn`, generics and further bounds.
fn base(name: &str) -> &str {
    let name = name.strip_prefix("dyn ").unwrap_or(name);
    name.split(['<', ' ']).next().unwrap_or(name)
}
