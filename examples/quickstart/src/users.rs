//! Signing up, and looking at who did.

use athyper::prelude::*;
use athyper::sql::sea_query::{Expr, ExprTrait, Order, Query};
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::mail::Welcome;

/// Somebody who signed up.
#[derive(Debug, Clone, Serialize, Deserialize, Row)]
pub struct User {
    /// A UUID.
    pub id: String,
    /// Where the welcome goes.
    pub email: String,
    /// When they signed up.
    pub created_at: Timestamp,
}

/// What can go wrong with a user.
#[derive(Debug, Failure)]
pub enum UserError {
    /// Somebody signed up with the address before.
    #[failure(kind = conflict, code = "user-taken", message = "somebody signed up with {email} already")]
    Taken {
        /// The address.
        email: String,
    },
    /// There is no such user.
    #[failure(kind = not_found, code = "user-unknown", message = "there is no user {id}")]
    Unknown {
        /// What was asked for.
        id: String,
    },
}

/// Stores a user and asks for the welcome: both, or neither.
#[inject]
#[derive(Debug)]
pub struct SignUp {
    db: Arc<Db>,
    jobs: Arc<Jobs>,
    clock: Arc<dyn Clock>,
}

impl SignUp {
    /// Signs somebody up.
    ///
    /// # Errors
    /// [`UserError::Taken`], or what the database reports.
    pub async fn register(&self, email: String) -> Result<User> {
        let user = User { id: JobId::random().to_string(), email, created_at: self.clock.now() };
        let insert = Query::insert()
            .into_table("users")
            .columns(["id", "email", "created_at"])
            .values_panic([user.id.clone().into(), user.email.clone().into(), user.created_at.into()])
            .to_owned();
        self.db
            .transaction(Isolation::Default, async |tx| {
                tx.execute(&insert).await.map_err(|error| match error.kind() {
                    ErrorKind::Conflict => UserError::Taken { email: user.email.clone() }.into(),
                    _ => error,
                })?;
                self.jobs.enqueue(Welcome { to: user.email.clone() }).in_tx(tx).await?;
                Ok(())
            })
            .await?;
        Ok(user)
    }
}

/// What `POST /users` takes.
#[derive(Debug, Deserialize, Validate)]
pub(crate) struct SignUpRequest {
    #[validate(email)]
    email: String,
}

/// `POST /users`
pub(crate) async fn sign_up(
    Inject(sign_up): Inject<SignUp>,
    Valid(Json(request)): Valid<Json<SignUpRequest>>,
) -> Result<(StatusCode, Json<User>)> {
    Ok((StatusCode::CREATED, Json(sign_up.register(request.email).await?)))
}

/// `GET /users`: the latest hundred.
pub(crate) async fn list(Inject(db): Inject<Db>) -> Result<Json<Vec<User>>> {
    let select = Query::select()
        .columns(["id", "email", "created_at"])
        .from("users")
        .order_by("created_at", Order::Desc)
        .limit(100)
        .to_owned();
    Ok(Json(db.fetch_all(select).await?))
}

/// `GET /users/{id}`
pub(crate) async fn show(Inject(db): Inject<Db>, Path(id): Path<String>) -> Result<Json<User>> {
    let select = Query::select()
        .columns(["id", "email", "created_at"])
        .from("users")
        .and_where(Expr::col("id").eq(id.as_str()))
        .to_owned();
    let user: Option<User> = db.fetch_optional(select).await?;
    Ok(Json(user.ok_or(UserError::Unknown { id })?))
}
