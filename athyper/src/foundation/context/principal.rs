//! Somebody whose identity was proven.

use serde::{Deserialize, Serialize};

/// Somebody, or some program, whose identity was proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The stable id the identity provider gives (`sub`).
    pub id: String,
    /// The tenant the proof names, if it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// What the principal may do, as the provider says it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

impl Principal {
    /// A principal without tenant and roles.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), tenant: None, roles: Vec::new() }
    }

    /// Adds a role.
    #[must_use]
    pub fn with_role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// Sets the tenant the proof names.
    #[must_use]
    pub fn with_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Whether the principal has a role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }
}
