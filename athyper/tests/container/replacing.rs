//! Replacing components in tests.

use std::sync::Arc;

use athyper::Result;
use athyper::container::{ContainerBuilder, GraphRoot, Place, Provide, Reach, Scope, TypeKey, Want, WantMode};
use athyper::context::Context;

use super::support::{error, made};

trait Mailer: Send + Sync {
    fn host(&self) -> &str;
}

struct Smtp(&'static str);

impl Mailer for Smtp {
    fn host(&self) -> &str {
        self.0
    }
}

struct Fake;

impl Mailer for Fake {
    fn host(&self) -> &str {
        "fake"
    }
}

fn smtp() -> Provide<Smtp> {
    made(|| Ok(Smtp("real"))).bind::<dyn Mailer>(|smtp| smtp)
}

fn hosts(all: &[Arc<dyn Mailer>]) -> Vec<&str> {
    all.iter().map(|mailer| mailer.host()).collect()
}

#[tokio::test]
async fn a_replacement_is_handed_out_in_every_form() -> Result<()> {
    let mut builder = ContainerBuilder::new();
    builder.add(smtp());
    let container = builder.build(Reach::Everything).unwrap();
    container.override_with::<dyn Mailer>(Arc::new(Fake))?;
    assert_eq!(container.get::<dyn Mailer>().unwrap().host(), "fake");
    assert_eq!(container.resolve::<Arc<dyn Mailer>>().await?.host(), "fake");
    assert_eq!(container.resolve::<Option<Arc<dyn Mailer>>>().await?.unwrap().host(), "fake");
    assert_eq!(hosts(&container.resolve::<Vec<Arc<dyn Mailer>>>().await?), ["fake"]);
    assert_eq!(container.resolve::<Arc<Smtp>>().await?.host(), "real", "the other keys stay as they are");
    Ok(())
}

#[tokio::test]
async fn a_replacement_of_the_component_itself_counts_for_its_traits() -> Result<()> {
    for scope in [Scope::Singleton, Scope::Request, Scope::Transient] {
        let mut builder = ContainerBuilder::new();
        builder.add(smtp().scope(scope));
        let container = builder.build(Reach::Everything).unwrap();
        container.override_with(Arc::new(Smtp("other")))?;
        let request = container.request(Context::background());
        assert_eq!(request.resolver().resolve::<Arc<dyn Mailer>>().await?.host(), "other");
        assert_eq!(request.resolver().resolve::<Arc<Smtp>>().await?.host(), "other");
    }
    Ok(())
}

#[tokio::test]
async fn a_replacement_stands_for_all_implementations() -> Result<()> {
    let mut builder = ContainerBuilder::new();
    builder
        .add(Provide::shared(Arc::new(Smtp("one")) as Arc<dyn Mailer>))
        .add(Provide::shared(Arc::new(Smtp("two")) as Arc<dyn Mailer>))
        .add(Provide::shared(Arc::new(Smtp("three")) as Arc<dyn Mailer>).named("third"));
    let container = builder.build(Reach::Everything).unwrap();
    container.override_with::<dyn Mailer>(Arc::new(Fake))?;
    assert_eq!(hosts(&container.resolve::<Vec<Arc<dyn Mailer>>>().await?), ["fake", "three"]);
    container.override_named::<dyn Mailer>("third", Arc::new(Fake)).unwrap_err();
    Ok(())
}

#[tokio::test]
async fn values_and_names_can_be_replaced() -> Result<()> {
    let mut builder = ContainerBuilder::new();
    builder.provide(1_u8).add(Provide::value(2_u8).named("two"));
    let container = builder.build(Reach::Everything).unwrap();
    container.override_with(Arc::new(11_u8))?;
    container.override_named("two", Arc::new(22_u8))?;
    assert_eq!(container.get::<u8>(), Some(&Arc::new(11)));
    assert_eq!(container.get_named::<u8>("two"), Some(&Arc::new(22)));
    assert_eq!(*container.resolve_named::<Arc<u8>>("two").await?, 22);
    Ok(())
}

#[tokio::test]
async fn what_was_resolved_cannot_be_replaced_any_more() -> Result<()> {
    let build = || {
        let mut builder = ContainerBuilder::new();
        builder.add(smtp()).provide(1_u8);
        builder.build(Reach::Everything).unwrap()
    };
    let late = |result: Result<()>| {
        let error = error(result);
        assert_eq!(error.code(), "ATH-GRAPH-LATE-OVERRIDE");
        assert!(error.to_string().contains("cannot be replaced any more"), "{error}");
    };
    let container = build();
    container.resolve::<Arc<dyn Mailer>>().await?;
    late(container.override_with::<dyn Mailer>(Arc::new(Fake)));
    late(container.override_with(Arc::new(Smtp("other"))));

    let container = build();
    container.resolve::<Vec<Arc<dyn Mailer>>>().await?;
    late(container.override_with::<dyn Mailer>(Arc::new(Fake)));

    let container = build();
    container.resolve::<Arc<Smtp>>().await?;
    late(container.override_with(Arc::new(Smtp("other"))));
    container.override_with::<dyn Mailer>(Arc::new(Fake))?;
    late(container.override_with::<dyn Mailer>(Arc::new(Fake)));

    let container = build();
    assert!(container.get::<u8>().is_some());
    late(container.override_with(Arc::new(2_u8)));

    let container = build();
    assert!(container.get::<Smtp>().is_none(), "looking is not resolving");
    container.override_with(Arc::new(Smtp("other")))?;
    Ok(())
}

#[tokio::test]
async fn a_component_that_is_only_wanted_can_be_put_in() -> Result<()> {
    let mut builder = ContainerBuilder::new();
    let want = |mode| Want { key: TypeKey::of::<dyn Mailer>(), mode, label: "parameter", place: Place::caller() };
    builder.root(GraphRoot {
        label: "hook".into(),
        place: Place::caller(),
        scope: Scope::Singleton,
        wants: vec![want(WantMode::Optional), want(WantMode::All)],
    });
    let container = builder.build(Reach::Everything).unwrap();
    container.override_with::<dyn Mailer>(Arc::new(Fake))?;
    assert_eq!(container.resolve::<Option<Arc<dyn Mailer>>>().await?.unwrap().host(), "fake");
    assert_eq!(hosts(&container.resolve::<Vec<Arc<dyn Mailer>>>().await?), ["fake"]);
    Ok(())
}

#[test]
fn what_nobody_knows_cannot_be_replaced() {
    let mut builder = ContainerBuilder::new();
    builder.add(smtp());
    let container = builder.build(Reach::Everything).unwrap();
    let error = error(container.override_with(Arc::new(Fake)));
    assert_eq!(error.code(), "ATH-GRAPH-MISSING");
    struct Smpt;
    let error = container.override_with(Arc::new(Smpt)).unwrap_err();
    assert_eq!(error.to_string(), "`Smpt` cannot be replaced: nothing provides or wants it; did you mean `Smtp`?");
}
