//! `#[inject]` on structs and factories.

use std::any::TypeId;

use athyper::container::{
    Component, ComponentDescriptor, ContainerBuilder, FromContainer, Provide, Reach, Resolver, Scope, TypeKey, Want,
    WantMode,
};
use athyper::context::Context;
use athyper::prelude::*;
use athyper::private::ATHYPER_COMPONENTS_V0;

/// Injectable without a container: a value made on the spot.
struct Given(u8);

impl FromContainer for Given {
    const KEY: TypeKey = TypeKey::of::<Given>();
    const MODE: WantMode = WantMode::Required;

    async fn from_container(_resolver: &Resolver<'_>, name: Option<&'static str>) -> Result<Self> {
        Ok(Self(if name == Some("seven") { 7 } else { 1 }))
    }
}

trait Greet: Send + Sync {
    fn number(&self) -> u8;
}

#[inject(as = dyn Greet, scope = request, order = -5, name = "polite")]
struct Greeter {
    #[inject(name = "seven")]
    seven: Given,
    one: Given,
    #[inject(default)]
    count: std::sync::atomic::AtomicU32,
    #[cfg(any())]
    never: Given,
}

impl Greet for Greeter {
    fn number(&self) -> u8 {
        self.seven.0
            + self.one.0
            + u8::try_from(self.count.load(std::sync::atomic::Ordering::Relaxed)).expect("a small number")
    }
}

#[inject]
struct Nothing;

#[inject]
struct Pair(Given, #[inject(name = "seven")] Given);

#[inject(close = shut)]
async fn plain(given: Given) -> Greeter {
    Greeter { seven: given, one: Given(0), count: 0.into() }
}

async fn shut(greeter: &Greeter) -> Result<()> {
    Err(Error::internal(format!("closed {}", greeter.number())))
}

#[inject]
fn shared(#[inject(name = "seven")] Given(given): Given) -> Result<Arc<dyn Greet>, std::io::Error> {
    Ok(Arc::new(Greeter { seven: Given(given), one: Given(given), count: 0.into() }))
}

fn descriptor(label: &str) -> &'static ComponentDescriptor {
    ATHYPER_COMPONENTS_V0.iter().find(|component| component.label == label).expect("registered")
}

#[test]
fn a_struct_describes_itself() {
    let greeter = <Greeter as Component>::DESCRIPTOR;
    assert_eq!(greeter.key, TypeKey::of::<Greeter>().named(Some("polite")));
    assert_eq!(greeter.bindings.len(), 1);
    assert_eq!(greeter.bindings[0].key, TypeKey::of::<dyn Greet>().named(Some("polite")));
    assert_eq!((greeter.item)(), TypeId::of::<Greeter>());
    assert_eq!((greeter.scope, greeter.order), (Scope::Request, -5));
    assert_eq!(greeter.label, "struct `Greeter`");
    assert_eq!(greeter.module, module_path!());
    assert!(greeter.close.is_none());

    let wants: Vec<Want> = (greeter.wants)();
    let labels: Vec<&str> = wants.iter().map(|want| want.label).collect();
    assert_eq!(labels, ["field `seven`", "field `one`"]);
    assert_eq!(wants[0].key, TypeKey::of::<Given>().named(Some("seven")));
    assert_eq!(wants[1].key, TypeKey::of::<Given>());
}

#[test]
fn places_are_those_of_the_users_tokens() {
    let source = include_str!("components.rs");
    let wanted = descriptor("struct `Greeter`");
    for (place, token) in [
        (wanted.place, "Greeter {"),
        ((wanted.wants)()[0].place, "seven: Given"),
        ((wanted.wants)()[1].place, "one: Given"),
        ((descriptor("factory `plain`").wants)()[0].place, "given: Given"),
        ((descriptor("factory `shared`").wants)()[0].place, "Given(given)"),
    ] {
        assert!(place.file.ends_with("tests/macros/components.rs"), "{place}");
        let line = source.lines().nth(place.line as usize - 1).unwrap();
        assert!(line[place.column as usize - 1..].starts_with(token), "{place}:{} is not `{token}`", place.column);
    }
}

#[test]
fn every_component_is_in_the_table_once() {
    for label in ["struct `Greeter`", "struct `Nothing`", "struct `Pair`", "factory `plain`", "factory `shared`"] {
        assert_eq!(ATHYPER_COMPONENTS_V0.iter().filter(|component| component.label == label).count(), 1, "{label}");
    }
    assert_eq!(descriptor("factory `plain`").key, TypeKey::of::<Greeter>());
    assert_eq!(descriptor("factory `shared`").key, TypeKey::of::<dyn Greet>());
    let labels: Vec<&str> = (descriptor("struct `Pair`").wants)().iter().map(|want| want.label).collect();
    assert_eq!(labels, ["field 0", "field 1"]);
}

#[tokio::test]
async fn the_container_builds_them() {
    let mut builder = ContainerBuilder::new();
    builder.component::<Greeter>().component::<Nothing>().component::<Pair>();
    // The graph is checked by keys; these are what `Given` says it needs.
    builder.provide(Given(0)).add(Provide::value(Given(0)).named("seven"));
    for factory in ["factory `plain`", "factory `shared`"] {
        builder.add(*descriptor(factory));
    }
    let container = builder.build(Reach::Everything).unwrap();
    let scope = container.request(Context::background());
    let resolver = scope.resolver();

    let polite: Arc<Greeter> = resolver.resolve_named("polite").await.unwrap();
    let same: Arc<dyn Greet> = resolver.resolve_named("polite").await.unwrap();
    assert_eq!((polite.number(), same.number()), (8, 8));
    assert!(std::ptr::addr_eq(Arc::as_ptr(&polite), Arc::as_ptr(&same)));

    let plain: Arc<Greeter> = resolver.resolve().await.unwrap();
    let shared: Arc<dyn Greet> = resolver.resolve().await.unwrap();
    assert_eq!((plain.number(), shared.number()), (1, 14));
    let pair: Arc<Pair> = resolver.resolve().await.unwrap();
    assert_eq!((pair.0.0, pair.1.0), (1, 7));
    let _: Arc<Nothing> = resolver.resolve().await.unwrap();

    let closing = container.close().await;
    assert_eq!(closing.len(), 1);
    assert!(format!("{closing:?}").contains("closed 1"), "{closing:?}");
}

#[test]
fn what_is_annotated_can_still_be_called_and_built() {
    assert_eq!(Greeter { seven: Given(2), one: Given(3), count: 1.into() }.number(), 6);
    assert_eq!(shared(Given(4)).unwrap().number(), 8);
    let _ = Nothing;
    let Pair(Given(first), Given(second)) = Pair(Given(1), Given(2));
    assert_eq!((first, second), (1, 2));
}
