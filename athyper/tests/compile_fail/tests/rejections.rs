//! Every rejection of every macro, with its text and its place.
//!
//! To look at one: `cargo test -p compile-fail -- wrong_use trybuild=queue_colon`. To accept what the compiler says now:
//! `TRYBUILD=overwrite`. The texts are those of the compiler that the workspace is built with.

#[test]
fn wrong_use_is_refused_at_the_users_own_token() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("cases/*/*.rs");
}
