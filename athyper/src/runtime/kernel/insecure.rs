//! What profile `prod` refuses, or warns of, beside values of the configuration.

use std::sync::Arc;

use super::checked::Kernel;
use crate::foundation::authentication::Authenticator;
use crate::foundation::config::{Mode, Profile};
use crate::foundation::container::TypeKey;
use crate::foundation::error::{Error, Result};
use crate::foundation::problem::{Problem, ProblemClass};
use crate::runtime::container::Container;

const CODE: &str = "ATH-CONFIG-INSECURE";

/// Refuses an authenticator that was given to the builder, so that nothing has to be built to see it.
pub(super) fn refuse_given_authenticator(profile: Profile, container: &Container) -> Option<Problem> {
    let given = container.get::<dyn Authenticator>().filter(|_| profile == Profile::Prod)?;
    let place = provider_place(container);
    Some(
        Problem::new(ProblemClass::Configuration, CODE, refusal(given.as_ref())?)
            .with_detail("provided", "`dyn Authenticator`", place)
            .with_fix("provide the authenticator of an identity provider, or run under another profile"),
    )
}

/// Refuses an authenticator that a factory makes.
pub(super) async fn refuse_built_authenticator(profile: Profile, container: &Container) -> Result<()> {
    if profile != Profile::Prod || provider_place(container).is_none() {
        return Ok(());
    }
    let built: Arc<dyn Authenticator> = container.resolve().await?;
    match refusal(built.as_ref()) {
        Some(why) => Err(Error::configuration(why).with_code(CODE)),
        None => Ok(()),
    }
}

/// Warns of metrics that everybody can read. They name routes and tell how the product is used, but no secret: no reason not to
/// start, for a proxy in front may keep them from the world.
pub(super) fn warn_of_public_metrics(kernel: &Kernel) {
    let is_public = kernel.modes().contains(Mode::Api) && kernel.management_options().is_none();
    if kernel.profile() == Profile::Prod && is_public {
        tracing::warn!(
            code = "ATH-METRICS-PUBLIC",
            fix = "set `management.port` (`ATHYPER__MANAGEMENT__PORT`) and keep that port private, or let the proxy in front refuse \
                   `/metrics`",
            "`/metrics` is answered on the product's port to whoever asks"
        );
    }
}

fn refusal(authenticator: &dyn Authenticator) -> Option<String> {
    let why = authenticator.refused_in_prod()?;
    Some(format!("profile prod refuses this authenticator: {why}"))
}

fn provider_place(container: &Container) -> Option<String> {
    let key = TypeKey::of::<dyn Authenticator>();
    let node = container.graph().nodes().iter().find(|node| node.key == key || node.bindings.contains(&key));
    node.map(|node| node.place.to_string())
}
