//! `#[derive(Failure)]`.

use std::error::Error as _;

use athyper::ErrorKind;
use athyper::prelude::*;

#[derive(Debug, Failure)]
enum UserError {
    #[failure(kind = conflict, code = "address-taken", status = 422, message = "the address {email} is {{taken}}")]
    Taken { email: String, r#type: u8 },
    #[failure(kind = not_found, message = "no user {0:03}, {1:?}")]
    NoSuchUser(u32, &'static str),
    #[failure(kind = unavailable, message = "the ledger does not answer")]
    Ledger {
        #[source]
        cause: std::io::Error,
    },
    #[failure(kind = internal, message = "{0}")]
    Boxed(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[failure(kind = timeout, message = "too slow")]
    Slow,
}

#[derive(Debug, Failure)]
#[failure(kind = forbidden, message = "{name} may not")]
struct NotAllowed {
    name: String,
}

#[derive(Debug, Failure)]
enum Impossible {}

fn failed(error: impl Into<Error>) -> Error {
    error.into()
}

#[test]
fn every_case_has_its_kind_code_status_and_message() {
    let taken = failed(UserError::Taken { email: "a@example.org".into(), r#type: 1 });
    assert_eq!((taken.kind(), taken.code(), taken.status()), (ErrorKind::Conflict, "address-taken", 422));
    assert_eq!(taken.to_string(), "the address a@example.org is {taken}");

    let missing = failed(UserError::NoSuchUser(7, "x"));
    assert_eq!((missing.kind(), missing.code(), missing.status()), (ErrorKind::NotFound, "no-such-user", 404));
    assert_eq!(missing.to_string(), "no user 007, \"x\"");

    assert_eq!(failed(UserError::Slow).kind(), ErrorKind::Timeout);
    let refused = failed(NotAllowed { name: "Ann".into() });
    assert_eq!((refused.code(), refused.status(), refused.message()), ("not-allowed", 403, "Ann may not"));
}

#[test]
fn the_cause_is_kept_and_said_once() {
    let cause = UserError::Ledger { cause: std::io::Error::other("refused") };
    assert_eq!(cause.source().unwrap().to_string(), "refused");
    let error = failed(cause);
    assert_eq!(error.report(), "the ledger does not answer: refused");
    assert!(error.source().unwrap().is::<std::io::Error>());

    let boxed = UserError::Boxed("broken".into());
    assert_eq!((boxed.to_string(), boxed.source().unwrap().to_string()), ("broken".into(), "broken".into()));
    assert_eq!(failed(boxed).source().unwrap().to_string(), "broken");
    assert!(UserError::Slow.source().is_none());
}

#[test]
fn it_joins_with_a_question_mark() {
    fn fails() -> Result<()> {
        Err(UserError::Slow)?
    }
    assert_eq!(fails().unwrap_err().code(), "slow");
    let _: fn(Impossible) -> Error = failed;
}
