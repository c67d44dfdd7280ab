//! Finding a component: what is there is handed out, what is not is built, once.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use super::closing::{Closing, close_one, panic_text};
use super::failure::{Failure, is_answer};
use super::frozen::{Candidate, Entry, Node};
use super::provider::{Build, Source};
use super::resolver::no_request;
use super::slot::{Slot, Turn};
use super::waits::{BUILDING, Frame, InFlight, SlotId};
use super::{Instance, Resolver};
use crate::foundation::container::{Scope, TypeKey};
use crate::foundation::error::{Error, ErrorKind, Result};

/// A component that was found.
pub(super) enum Found<'a> {
    /// It stays where it is.
    Stored(&'a Instance),
    /// It belongs to a request.
    OfRequest(Arc<Slot>),
    /// It stays where it is, and this is another `Arc` of it.
    Shared(Instance),
    /// It was made for this caller.
    Own(Instance),
}

impl Found<'_> {
    pub(super) fn instance(&self) -> Option<&Instance> {
        match self {
            Self::Stored(instance) => Some(instance),
            Self::OfRequest(slot) => slot.value.get(),
            Self::Shared(instance) | Self::Own(instance) => Some(instance),
        }
    }
}

/// The component of a key, or nothing when nobody provides it.
pub(super) async fn find<'r>(resolver: &Resolver<'r>, key: TypeKey) -> Result<Option<Found<'r>>> {
    let Some(entry) = resolver.frozen.entries.get(&key) else { return Ok(None) };
    if let Some(instance) = entry.replacement() {
        return Ok(Some(Found::Stored(instance)));
    }
    match &*entry.candidates {
        [] => Ok(None),
        [candidate] => provide(resolver, key, entry, candidate).await.map(Some),
        [first, second, ..] => Err(Error::configuration(format!(
            "`{key}` is provided more than once, by {} and by {}; one is wanted",
            resolver.frozen.nodes[first.node], resolver.frozen.nodes[second.node],
        ))
        .with_code("ATH-GRAPH-DUPLICATE")),
    }
}

/// Every component of a key, in order; under a key without name, those with a name as well.
pub(super) async fn find_all<'r>(resolver: &Resolver<'r>, key: TypeKey) -> Result<Vec<Found<'r>>> {
    let frozen = resolver.frozen;
    let mut found = Vec::new();
    let mut replaced = Vec::new();
    if let Some(entry) = frozen.entries.get(&key).filter(|entry| entry.candidates.is_empty()) {
        found.extend(entry.replacement().map(Found::Stored));
    }
    for (key, node) in frozen.lists.get(&key).into_iter().flatten() {
        let Some(entry) = frozen.entries.get(key) else { continue };
        if let Some(instance) = entry.replacement() {
            if !replaced.contains(key) {
                replaced.push(*key);
                found.push(Found::Stored(instance));
            }
        } else if let Some(candidate) = entry.candidates.iter().find(|candidate| candidate.node == *node) {
            found.push(provide(resolver, *key, entry, candidate).await?);
        }
    }
    Ok(found)
}

async fn provide<'r>(
    resolver: &Resolver<'r>,
    key: TypeKey,
    entry: &'r Entry,
    candidate: &Candidate,
) -> Result<Found<'r>> {
    let frozen = resolver.frozen;
    let node = &frozen.nodes[candidate.node];
    // What replaces a component under its own key stands in for it under every key.
    let own = frozen.entries.get(&node.provider.key).filter(|_| node.provider.key != key);
    let (found, lasts) = match own.and_then(Entry::replacement) {
        Some(instance) => (Found::Stored(instance), true),
        None => (build(resolver, candidate.node, node).await?, node.provider.scope == Scope::Singleton),
    };
    let Some(convert) = &candidate.convert else { return Ok(found) };
    let instance = found.instance().ok_or_else(lost)?;
    if lasts && entry.candidates.len() == 1 {
        return Ok(Found::Stored(entry.value.get_or_init(|| convert(instance))));
    }
    let converted = convert(instance);
    Ok(if matches!(found, Found::Own(_)) { Found::Own(converted) } else { Found::Shared(converted) })
}

async fn build<'r>(resolver: &Resolver<'r>, index: usize, node: &'r Node) -> Result<Found<'r>> {
    let build = match &node.provider.source {
        Source::Ready(ready) => return Ok(Found::Stored(node.slot.value.get_or_init(|| ready()))),
        Source::Built(build) => &**build,
    };
    match node.provider.scope {
        Scope::Singleton => {
            let slot = SlotId { scope: 0, provider: index };
            // A singleton outlives the request that happens to want it first.
            let resolver = resolver.outside();
            fill(&resolver, slot, &node.slot, node, build, &resolver.frozen.closing).await?;
            node.slot.value.get().map(Found::Stored).ok_or_else(lost)
        }
        Scope::Request => {
            let request = resolver.request.ok_or_else(no_request)?;
            let slot = request.slot(index);
            let id = SlotId { scope: request.id, provider: index };
            fill(resolver, id, &slot, node, build, &request.closing).await?;
            Ok(Found::OfRequest(slot))
        }
        Scope::Transient => {
            let parent = resolver.current_frame();
            if let Some(path) = parent.as_deref().and_then(|frame| repeated(frame, index)) {
                return Err(circle(resolver, &path));
            }
            construct(resolver, index, node, build, None, parent).await.map(Found::Own)
        }
    }
}

/// Waits until a slot is filled, or fills it.
async fn fill(
    resolver: &Resolver<'_>,
    id: SlotId,
    slot: &Slot,
    node: &Node,
    build: &Build,
    closing: &Closing,
) -> Result<()> {
    if slot.value.get().is_some() {
        return Ok(());
    }
    let waits = &resolver.frozen.waits;
    let parent = resolver.current_frame();
    let _waiting = waits.wait(parent.as_deref(), id).map_err(|path| circle(resolver, &path))?;
    let _turn = match slot.turn().await {
        Turn::Built => return Ok(()),
        Turn::Failed(failure) => return Err(failure.into()),
        turn @ Turn::Mine(_) => turn,
    };
    let flight = waits.begin(id);
    let instance = match construct(resolver, id.provider, node, build, Some(&flight), parent).await {
        Ok(instance) => instance,
        Err(error) => {
            if let Some(failure) = Failure::of(&error) {
                slot.fail(failure);
            }
            return Err(error);
        }
    };
    if let Err(instance) = closing.admit(&node.provider, &slot.value, instance) {
        if let Some(close) = &node.provider.close {
            close_one(&**close, &instance).await?;
        }
        return Err(Error::new(ErrorKind::Unavailable, format!("{node} is not built any more: all is being closed")));
    }
    Ok(())
}

/// Runs a constructor.
async fn construct(
    resolver: &Resolver<'_>,
    index: usize,
    node: &Node,
    build: &Build,
    flight: Option<&InFlight<'_>>,
    parent: Option<Arc<Frame>>,
) -> Result<Instance> {
    let frame = Frame::new(resolver.address(), index, flight.map(|flight| (flight.slot, flight.attempt)), parent);
    let _end = EndOf(&frame);
    let inner = Resolver::new(resolver.frozen, resolver.request, Some(&frame));
    let building = AssertUnwindSafe(async { build(&inner).await }).catch_unwind();
    let error = match BUILDING.scope(Arc::clone(&frame), building).await {
        Ok(Ok(instance)) => return Ok(instance),
        Ok(Err(error)) if resolver.request.is_some() && is_answer(&error) => return Err(error),
        Ok(Err(error)) => error,
        Err(panic) => Error::internal(format!("the constructor panicked: {}", panic_text(&*panic))),
    };
    let provider = &node.provider;
    Err(Failure::new(error, &provider.key.to_string(), &provider.label, provider.place).into())
}

struct EndOf<'a>(&'a Frame);

impl Drop for EndOf<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The circle that building a transient component again, inside of its own constructor, would close.
fn repeated(frame: &Frame, index: usize) -> Option<Vec<usize>> {
    let mut path = vec![index];
    for frame in frame.chain().take_while(|frame| frame.is_live()) {
        path.push(frame.provider);
        if frame.provider == index && frame.flight.is_none() {
            path.reverse();
            return Some(path);
        }
    }
    None
}

fn circle(resolver: &Resolver<'_>, path: &[usize]) -> Error {
    let path: Vec<String> = path.iter().map(|index| resolver.frozen.nodes[*index].to_string()).collect();
    Error::configuration(format!(
        "a constructor waits for itself: {}; a `Lazy` on this way is resolved too early, call its `get` after construction",
        path.join(" → ")
    ))
    .with_code("ATH-GRAPH-CYCLE")
}

fn lost() -> Error {
    Error::internal("a component that was built is not in its place")
}
