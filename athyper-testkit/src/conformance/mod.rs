//! One suite a port: what every implementation must do, whatever stands behind it.

pub mod leadership;
