//! HTTP against the product: without a socket, or through one.

mod request;
mod response;
mod transport;

pub use request::TestRequest;
pub use response::TestResponse;
pub use transport::SocketClient;
pub(crate) use transport::Transport;
