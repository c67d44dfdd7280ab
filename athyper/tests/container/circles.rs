//! A `Lazy` that is resolved too early: an error that names the way, never a wait without end.

use std::sync::Arc;

use athyper::Result;
use athyper::container::{Container, ContainerBuilder, Lazy, Provide, Reach, Scope};
use athyper::context::Context;
use tokio::sync::Barrier;

use super::support::{error, in_time};

struct First {
    second: Lazy<Second>,
}

struct Second {
    first: Arc<First>,
}

#[tokio::test]
async fn a_constructor_that_resolves_its_lazy_too_early_gets_an_error() {
    let mut builder = ContainerBuilder::new();
    let line = line!() + 2;
    builder.add(
        Provide::factory(|resolver| {
            Box::pin(async move {
                let second: Lazy<Second> = resolver.resolve().await?;
                second.get().await?;
                Ok(Arc::new(First { second }))
            })
        })
        .wants::<Lazy<Second>>("field `second`"),
    );
    let second_line = line!() + 2;
    builder.add(
        Provide::factory(|resolver| Box::pin(async move { Ok(Arc::new(Second { first: resolver.resolve().await? })) }))
            .wants::<Arc<First>>("field `first`"),
    );
    let container = builder.build(Reach::Everything).unwrap();
    let failure = error(in_time(container.resolve::<Arc<First>>()).await);
    assert_eq!(failure.code(), "ATH-GRAPH-CYCLE");
    let file = file!();
    let way = format!("`Second` ({file}:{second_line}) → `First` ({file}:{line}) → `Second` ({file}:{second_line})");
    assert!(failure.to_string().contains(&way), "{failure}");
    assert!(failure.to_string().contains("a `Lazy` on this way is resolved too early"), "{failure}");
    error(in_time(container.resolve::<Arc<Second>>()).await);
}

/// Two components that know each other, each built by its own task, and each resolving the other while both are built.
fn crossed(meet: &Arc<Barrier>) -> Container {
    let mut builder = ContainerBuilder::new();
    let at_first = Arc::clone(meet);
    builder.add(
        Provide::factory(move |resolver| {
            let meet = Arc::clone(&at_first);
            Box::pin(async move {
                let second: Lazy<Second> = resolver.resolve().await?;
                meet.wait().await;
                second.get().await?;
                Ok(Arc::new(First { second }))
            })
        })
        .wants::<Lazy<Second>>("field `second`"),
    );
    let at_second = Arc::clone(meet);
    builder.add(
        Provide::factory(move |resolver| {
            let meet = Arc::clone(&at_second);
            Box::pin(async move {
                meet.wait().await;
                Ok(Arc::new(Second { first: resolver.resolve().await? }))
            })
        })
        .wants::<Arc<First>>("field `first`"),
    );
    builder.build(Reach::Everything).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tasks_that_wait_for_each_other_both_end() {
    for _ in 0..100 {
        // After the first meeting nobody waits at the barrier again: later attempts find the permits of this one.
        let meet = Arc::new(Barrier::new(2));
        let container = crossed(&meet);
        let first = tokio::spawn({
            let container = container.clone();
            async move { container.resolve::<Arc<First>>().await.map(|_| ()) }
        });
        let second = tokio::spawn({
            let container = container.clone();
            async move { container.resolve::<Arc<Second>>().await.map(|_| ()) }
        });
        let helper = tokio::spawn(async move {
            loop {
                meet.wait().await;
            }
        });
        let outcomes = [in_time(first).await.unwrap(), in_time(second).await.unwrap()];
        helper.abort();
        assert!(outcomes.iter().any(Result::is_err));
        for failure in outcomes.into_iter().filter_map(Result::err) {
            assert_eq!(failure.code(), "ATH-GRAPH-CYCLE", "{failure}");
        }
    }
}

struct Owner {
    late: Lazy<Late>,
}

impl Owner {
    async fn ping(&self) -> Result<()> {
        self.late.get().await.map(|_| ())
    }
}

struct Late;

/// `Late` is built with the help of its owner, which is there, and whose method wants `Late`.
fn through_an_object(scope: Scope) -> Container {
    let mut builder = ContainerBuilder::new();
    builder.add(
        Provide::factory(|resolver| Box::pin(async move { Ok(Arc::new(Owner { late: resolver.resolve().await? })) }))
            .wants::<Lazy<Late>>("field `late`"),
    );
    builder.add(
        Provide::factory(|resolver| {
            Box::pin(async move {
                let owner: Arc<Owner> = resolver.resolve().await?;
                owner.ping().await?;
                Ok(Arc::new(Late))
            })
        })
        .scope(scope)
        .wants::<Arc<Owner>>("parameter `owner`"),
    );
    builder.build(Reach::Everything).unwrap()
}

#[tokio::test]
async fn a_constructor_that_comes_back_through_an_object_gets_an_error() {
    for scope in [Scope::Singleton, Scope::Transient] {
        let container = through_an_object(scope);
        let failure = error(in_time(container.resolve::<Arc<Late>>()).await);
        assert_eq!(failure.code(), "ATH-GRAPH-CYCLE");
        assert!(failure.to_string().contains("`Late`"), "{failure}");
        let owner: Arc<Owner> = container.resolve().await.unwrap();
        assert_eq!(error(in_time(owner.ping()).await).code(), "ATH-GRAPH-CYCLE");
    }
}

#[tokio::test]
async fn a_task_that_a_constructor_waits_for_counts_as_the_constructor() {
    let mut builder = ContainerBuilder::new();
    builder.add(
        Provide::factory(|resolver| {
            Box::pin(async move {
                let second: Arc<Lazy<Second>> = Arc::new(resolver.resolve().await?);
                let task = tokio::spawn({
                    let second = Arc::clone(&second);
                    async move { second.get().await.map(|_| ()) }
                });
                task.await.unwrap()?;
                let second = Arc::into_inner(second).unwrap();
                Ok(Arc::new(First { second }))
            })
        })
        .wants::<Lazy<Second>>("field `second`"),
    );
    builder.add(
        Provide::factory(|resolver| Box::pin(async move { Ok(Arc::new(Second { first: resolver.resolve().await? })) }))
            .wants::<Arc<First>>("field `first`"),
    );
    let container = builder.build(Reach::Everything).unwrap();
    let failure = error(in_time(container.resolve::<Arc<First>>()).await);
    assert_eq!(failure.code(), "ATH-GRAPH-CYCLE");
}

#[tokio::test]
async fn a_task_that_outlives_the_constructor_may_resolve() {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let mut builder = ContainerBuilder::new();
    builder.add(
        Provide::factory(move |resolver| {
            let sender = sender.clone();
            Box::pin(async move {
                let second: Lazy<Second> = resolver.resolve().await?;
                tokio::spawn(async move {
                    // The constructor ends first, as both run on one thread.
                    tokio::task::yield_now().await;
                    sender.send(second.get().await.map(|second| Arc::clone(&second.first)))
                });
                Ok(Arc::new(First { second: resolver.resolve().await? }))
            })
        })
        .wants::<Lazy<Second>>("field `second`"),
    );
    builder.add(
        Provide::factory(|resolver| Box::pin(async move { Ok(Arc::new(Second { first: resolver.resolve().await? })) }))
            .wants::<Arc<First>>("field `first`"),
    );
    let container = builder.build(Reach::Everything).unwrap();
    let first: Arc<First> = in_time(container.resolve()).await.unwrap();
    let seen = in_time(receiver.recv()).await.unwrap().unwrap();
    assert!(Arc::ptr_eq(&seen, &first));
    assert!(Arc::ptr_eq(&first.second.get().await.unwrap().first, &first));
}

#[tokio::test]
async fn components_of_a_request_are_guarded_as_well() {
    let mut builder = ContainerBuilder::new();
    builder.add(
        Provide::factory(|resolver| {
            Box::pin(async move {
                let second: Lazy<Second> = resolver.resolve().await?;
                second.get().await?;
                Ok(Arc::new(First { second }))
            })
        })
        .scope(Scope::Request)
        .wants::<Lazy<Second>>("field `second`"),
    );
    builder.add(
        Provide::factory(|resolver| Box::pin(async move { Ok(Arc::new(Second { first: resolver.resolve().await? })) }))
            .scope(Scope::Request)
            .wants::<Arc<First>>("field `first`"),
    );
    let container = builder.build(Reach::Everything).unwrap();
    let request = container.request(Context::background());
    let failure = error(in_time(request.resolver().resolve::<Arc<Second>>()).await);
    assert_eq!(failure.code(), "ATH-GRAPH-CYCLE");
    assert!(failure.to_string().contains(" → "), "{failure}");
}

#[tokio::test]
async fn a_chain_of_transient_components_may_be_followed_afterwards() {
    struct Link {
        next: Lazy<Link>,
    }
    let mut builder = ContainerBuilder::new();
    builder.add(
        Provide::factory(|resolver| Box::pin(async move { Ok(Arc::new(Link { next: resolver.resolve().await? })) }))
            .scope(Scope::Transient)
            .wants::<Lazy<Link>>("field `next`"),
    );
    let container = builder.build(Reach::Everything).unwrap();
    let link: Arc<Link> = container.resolve().await.unwrap();
    let next = link.next.get().await.unwrap();
    let last = next.next.get().await.unwrap();
    assert!(!Arc::ptr_eq(&next, &last));
}
