//! What resolving costs on the heap: nothing, once a component is there.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use athyper::container::{ContainerBuilder, Provide, Reach, Scope};

struct Counting;

thread_local! {
    /// Allocations of this thread: other tests and the harness do not count.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

#[allow(unsafe_code, reason = "an allocator cannot be written otherwise; it hands every call on to the system's")]
// SAFETY: every method keeps the contract by handing the call on unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `alloc` got the pointer from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

/// The output of a future that does not wait.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

trait Mailer: Send + Sync {}
struct Smtp;
impl Mailer for Smtp {}
struct Fresh;

#[test]
fn what_is_built_is_handed_out_without_allocating() {
    let smtp =
        || Provide::factory(|_| Box::pin(std::future::ready(Ok(Arc::new(Smtp))))).bind::<dyn Mailer>(|smtp| smtp);
    let mut builder = ContainerBuilder::new();
    builder.add(smtp()).add(smtp().named("backup")).provide(7_u8);
    builder.add(Provide::factory(|_| Box::pin(std::future::ready(Ok(Arc::new(Fresh))))).scope(Scope::Transient));
    let container = builder.build(Reach::Everything).unwrap();
    now(container.resolve::<Arc<dyn Mailer>>()).unwrap();
    now(container.resolve_named::<Arc<Smtp>>("backup")).unwrap();
    assert!(container.get::<u8>().is_some());
    let context = athyper::context::Context::background();
    let request = container.request(context);

    let count = allocations(|| {
        for _ in 0..1_000 {
            black_box(container.get::<Smtp>().unwrap());
            black_box(container.get::<dyn Mailer>().unwrap());
            black_box(container.get_named::<Smtp>("backup").unwrap());
            black_box(container.get::<u8>().unwrap());
            black_box(container.get::<Fresh>());
            black_box(now(container.resolve::<Arc<dyn Mailer>>()).unwrap());
            black_box(now(container.resolve_named::<Arc<Smtp>>("backup")).unwrap());
            black_box(now(container.resolve::<Option<Arc<Smtp>>>()).unwrap());
            black_box(now(request.resolver().resolve::<Arc<dyn Mailer>>()).unwrap());
            black_box(now(request.resolver().resolve::<athyper::context::Context>()).unwrap());
        }
    });
    assert_eq!(count, 0);

    let control = allocations(|| drop(black_box(now(container.resolve::<Arc<Fresh>>()).unwrap())));
    assert!(control > 0, "the allocator counts");
}
