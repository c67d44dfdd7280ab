//! Attacks over real sockets.
