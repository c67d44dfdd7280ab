//! What can be wanted, and what comes out.

use std::sync::Arc;

use athyper::container::{ContainerBuilder, Lazy, Provide, Reach, Scope};
use athyper::context::Context;
use athyper::{ErrorKind, Result};

trait Mailer: Send + Sync {
    fn host(&self) -> &str;
}

struct Smtp {
    host: String,
}

impl Mailer for Smtp {
    fn host(&self) -> &str {
        &self.host
    }
}

struct SignUp {
    mailer: Arc<dyn Mailer>,
}

fn smtp(host: &'static str) -> Provide<Smtp> {
    Provide::factory(move |_| Box::pin(async move { Ok(Arc::new(Smtp { host: host.to_owned() })) }))
        .bind::<dyn Mailer>(|smtp| smtp)
}

fn sign_up() -> Provide<SignUp> {
    Provide::factory(|resolver| Box::pin(async move { Ok(Arc::new(SignUp { mailer: resolver.resolve().await? })) }))
        .wants::<Arc<dyn Mailer>>("field `mailer`")
        .labelled("struct `SignUp`")
}

#[tokio::test]
async fn a_component_gets_what_it_wants_by_trait() {
    let mut builder = ContainerBuilder::new();
    builder.add(sign_up()).add(smtp("localhost"));
    let container = builder.build(Reach::Everything).unwrap();
    assert!(container.get::<SignUp>().is_none(), "nothing is built before it is wanted");

    let sign_up: Arc<SignUp> = container.resolve().await.unwrap();
    assert_eq!(sign_up.mailer.host(), "localhost");

    let smtp: Arc<Smtp> = container.resolve().await.unwrap();
    assert!(std::ptr::addr_eq(Arc::as_ptr(&smtp), Arc::as_ptr(&sign_up.mailer)), "one component under both keys");
    assert!(Arc::ptr_eq(container.get::<SignUp>().unwrap(), &sign_up));
    assert!(Arc::ptr_eq(container.get::<dyn Mailer>().unwrap(), &sign_up.mailer));
}

#[tokio::test]
async fn values_are_there_without_resolving() {
    let mut builder = ContainerBuilder::new();
    builder.provide(7_u8).provide_dyn::<dyn Mailer>(Arc::new(Smtp { host: "there".into() }));
    let container = builder.build(Reach::Everything).unwrap();
    assert_eq!(**container.get::<u8>().unwrap(), 7);
    assert_eq!(container.get::<dyn Mailer>().unwrap().host(), "there");
    assert!(container.get::<u16>().is_none());
}

#[tokio::test]
async fn names_tell_components_of_one_type_apart() {
    let mut builder = ContainerBuilder::new();
    builder.add(smtp("one").named("primary")).add(smtp("two").named("backup"));
    let container = builder.build(Reach::Everything).unwrap();
    let primary: Arc<dyn Mailer> = container.resolve_named("primary").await.unwrap();
    let backup: Arc<Smtp> = container.resolve_named("backup").await.unwrap();
    assert_eq!((primary.host(), backup.host()), ("one", "two"));
    assert!(container.get_named::<Smtp>("backup").is_some());
    assert!(container.get::<Smtp>().is_none());

    let unnamed = container.resolve::<Arc<Smtp>>().await.err().unwrap();
    assert_eq!(unnamed.code(), "ATH-GRAPH-MISSING");
    let all: Vec<Arc<dyn Mailer>> = container.resolve().await.unwrap();
    assert_eq!(all.len(), 2, "a list has those with a name as well");
    let named: Vec<Arc<dyn Mailer>> = container.resolve_named("backup").await.unwrap();
    assert_eq!(named.len(), 1);
}

#[tokio::test]
async fn all_implementations_come_by_order_then_place() {
    let mut builder = ContainerBuilder::new();
    let first_place = smtp("third");
    let second_place = smtp("fourth");
    let last = Provide::shared(Arc::new(Smtp { host: "last".into() }) as Arc<dyn Mailer>).order(9);
    let first = Provide::shared(Arc::new(Smtp { host: "first".into() }) as Arc<dyn Mailer>).order(-2);
    let second = Provide::shared(Arc::new(Smtp { host: "second".into() }) as Arc<dyn Mailer>).order(-1);
    builder.add(last).add(second_place.named("b")).add(first_place.named("a")).add(second).add(first);
    let container = builder.build(Reach::Everything).unwrap();
    let all: Vec<Arc<dyn Mailer>> = container.resolve().await.unwrap();
    let hosts: Vec<&str> = all.iter().map(|mailer| mailer.host()).collect();
    // Both of `smtp` stand at one place, where registration decides.
    assert_eq!(hosts, ["first", "second", "fourth", "third", "last"]);
    assert!(container.resolve::<Vec<Arc<String>>>().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_optional_may_be_missing() {
    let mut builder = ContainerBuilder::new();
    builder.provide(1_u8);
    let container = builder.build(Reach::Everything).unwrap();
    assert_eq!(container.resolve::<Option<Arc<u8>>>().await.unwrap().as_deref(), Some(&1));
    assert!(container.resolve::<Option<Arc<u16>>>().await.unwrap().is_none());
    let error = container.resolve::<Arc<u16>>().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, "ATH-GRAPH-MISSING"));
    assert_eq!(error.to_string(), "nothing provides `u16`");
}

struct Chicken {
    egg: Lazy<Egg>,
}

struct Egg {
    chicken: Arc<Chicken>,
}

#[tokio::test]
async fn components_can_know_each_other_by_lazy() {
    let mut builder = ContainerBuilder::new();
    builder
        .add(
            Provide::factory(|resolver| {
                Box::pin(async move { Ok(Arc::new(Chicken { egg: resolver.resolve().await? })) })
            })
            .wants::<Lazy<Egg>>("field `egg`"),
        )
        .add(
            Provide::factory(|resolver| {
                Box::pin(async move { Ok(Arc::new(Egg { chicken: resolver.resolve().await? })) })
            })
            .wants::<Arc<Chicken>>("field `chicken`"),
        );
    let container = builder.build(Reach::Everything).unwrap();
    let chicken: Arc<Chicken> = container.resolve().await.unwrap();
    assert!(container.get::<Egg>().is_none());
    let egg = chicken.egg.get().await.unwrap();
    assert!(Arc::ptr_eq(&egg.chicken, &chicken));

    let left = (Arc::downgrade(&chicken), Arc::downgrade(&egg));
    drop((chicken, egg));
    drop(container);
    assert!(left.0.upgrade().is_none() && left.1.upgrade().is_none(), "they end with the container");
}

struct Visit {
    tenant: Option<String>,
}

struct Stamp;

fn visits() -> ContainerBuilder {
    let mut builder = ContainerBuilder::new();
    let visit = Provide::factory(|resolver| {
        Box::pin(async move {
            let context: Context = resolver.resolve().await?;
            Ok(Arc::new(Visit { tenant: context.tenant().map(str::to_owned) }))
        })
    });
    builder.add(visit.scope(Scope::Request).wants::<Context>("parameter `context`"));
    let stamp: Provide<Stamp> = Provide::factory(|_| Box::pin(async move { Ok(Arc::new(Stamp)) }));
    builder.add(stamp.scope(Scope::Transient));
    builder
}

#[tokio::test]
async fn a_request_has_components_of_its_own() -> Result<()> {
    let container = visits().build(Reach::Everything).unwrap();
    let one = container.request(Context::background().with_tenant("acme"));
    let other = container.request(Context::background());
    let first: Arc<Visit> = one.resolver().resolve().await?;
    let again: Arc<Visit> = one.resolver().resolve().await?;
    let elsewhere: Arc<Visit> = other.resolver().resolve().await?;
    assert_eq!(first.tenant.as_deref(), Some("acme"));
    assert!(Arc::ptr_eq(&first, &again));
    assert!(!Arc::ptr_eq(&first, &elsewhere));
    assert!(container.get::<Visit>().is_none());

    let gone = Arc::downgrade(&first);
    drop((first, again));
    drop(one);
    assert!(gone.upgrade().is_none(), "it ends with its request");

    let error = container.resolve::<Arc<Visit>>().await.err().unwrap();
    assert_eq!(error.code(), "ATH-GRAPH-CAPTIVE");
    assert_eq!(container.resolve::<Context>().await.unwrap_err().code(), "ATH-GRAPH-CAPTIVE");
    Ok(())
}

#[tokio::test]
async fn a_transient_component_is_new_each_time() -> Result<()> {
    let container = visits().build(Reach::Everything).unwrap();
    let one: Arc<Stamp> = container.resolve().await?;
    let other: Arc<Stamp> = container.resolve().await?;
    assert!(!Arc::ptr_eq(&one, &other));
    let lazy: Lazy<Stamp> = container.resolve().await?;
    assert!(Arc::ptr_eq(&lazy.get().await?, &lazy.get().await?), "a lazy one stays the same");
    Ok(())
}

#[tokio::test]
async fn a_lazy_one_outlives_neither_container_nor_request() {
    let container = visits().build(Reach::Everything).unwrap();
    let request = container.request(Context::background());
    let of_request: Lazy<Visit> = request.resolver().resolve().await.unwrap();
    let of_container: Lazy<Stamp> = container.resolve().await.unwrap();
    drop(request);
    let error = of_request.get().await.err().unwrap();
    assert_eq!(error.to_string(), "a component is wanted from a request that is gone");
    drop(container);
    let error = of_container.get().await.err().unwrap();
    assert_eq!(error.to_string(), "a component is wanted from a container that is gone");
}
