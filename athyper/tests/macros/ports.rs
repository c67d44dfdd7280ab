//! `#[port]`.

use athyper::container::Accepts;
use athyper::prelude::*;

#[port]
trait Mailer: Send + Sync {
    async fn send(&self, to: &str) -> Result<String>;

    fn name(&self) -> &'static str {
        "mailer"
    }

    fn made() -> Self
    where
        Self: Sized;
}

#[derive(Debug)]
struct Smtp(u8);

#[port]
impl Mailer for Smtp {
    async fn send(&self, to: &str) -> Result<String> {
        Ok(format!("{to} by {}", self.0))
    }

    fn made() -> Self {
        Self(1)
    }
}

trait Shared: Send + Sync {}

#[port]
trait Inherited: Shared {
    async fn run(&self) -> u8;
}

impl Shared for Smtp {}

#[port]
impl Inherited for Smtp {
    async fn run(&self) -> u8 {
        self.0
    }
}

#[test]
fn an_implementation_stands_in_for_the_trait() {
    let mailer: Arc<dyn Mailer> = <dyn Mailer as Accepts<Smtp>>::accept(Arc::new(Smtp::made()));
    assert_eq!(mailer.name(), "mailer");
    let sent = futures_util::FutureExt::now_or_never(mailer.send("a@example.org")).unwrap();
    assert_eq!(sent.unwrap(), "a@example.org by 1");

    let inherited = <dyn Inherited as Accepts<Smtp>>::accept(Arc::new(Smtp(3)));
    assert_eq!(futures_util::FutureExt::now_or_never(inherited.run()), Some(3));
}

#[test]
fn a_value_stands_in_for_its_own_type() {
    let smtp: Arc<Smtp> = <Smtp as Accepts<Smtp>>::accept(Arc::new(Smtp(2)));
    assert_eq!(smtp.0, 2);
    fn accepts<T: ?Sized + Accepts<V>, V>() {}
    let _ = accepts::<dyn Mailer, Smtp>;
}
