//! How large a drill is.

/// `small` in an ordinary test run, `full` with `DRILLS=full` in the environment.
///
/// # Panics
/// When `DRILLS` says something else.
#[must_use]
pub fn size<T>(small: T, full: T) -> T {
    match std::env::var("DRILLS").as_deref() {
        Err(_) | Ok("" | "small") => small,
        Ok("full") => full,
        Ok(other) => panic!("DRILLS={other}: `small` or `full`"),
    }
}
