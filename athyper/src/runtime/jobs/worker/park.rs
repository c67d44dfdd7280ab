//! Jobs that this fleet cannot run: set aside, never completed and never failed.

use super::Shared;
use crate::foundation::jobs::{Claimed, Outcome};

/// Sets a job aside whose kind or version no handler here knows, each time for longer.
pub(super) fn park(shared: &Shared, claimed: &Claimed) -> Outcome {
    let envelope = &claimed.envelope;
    let versions = shared.registry.versions_of(&envelope.queue, &envelope.kind);
    let reason = if versions.is_empty() {
        format!("no handler of queue `{}` knows the kind `{}`", envelope.queue, envelope.kind)
    } else {
        let known: Vec<String> = versions.iter().map(u32::to_string).collect();
        format!(
            "no handler of queue `{}` knows version {} of `{}` (known: {})",
            envelope.queue,
            envelope.version,
            envelope.kind,
            known.join(", ")
        )
    };
    // How often it was started without that counting as an attempt: mostly, how often it was parked before.
    let earlier = claimed.lock.token.saturating_sub(1).saturating_sub(claimed.attempts_made);
    let settings = &shared.settings;
    let delay = settings.park_for.saturating_mul(2_u32.saturating_pow(earlier)).min(settings.park_at_most);
    tracing::warn!(queue = %envelope.queue, kind = %envelope.kind, version = envelope.version, id = %envelope.id,
        retry_in = ?delay, "a job is parked: {reason}");
    Outcome::Park { reason, delay }
}
