//! How often one client may call.

mod layer;
mod limiter;

pub use layer::RateLimitLayer;
pub use limiter::RateLimiter;
