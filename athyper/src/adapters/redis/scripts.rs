//! The scripts, each one operation; the server keeps them once they are loaded.

use std::sync::LazyLock;

/// Where a script's keys lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// On a server, which has all of them.
    Server,
    /// In a slot of a cluster, which may be on its way to another node.
    Slot,
}

/// What keeps a script from beginning while its slot is on its way.
const SLOT: &str = include_str!("scripts/slot.lua");

/// A script of ours.
pub(super) struct Script {
    source: &'static str,
    known: LazyLock<::redis::Script>,
    in_slot: LazyLock<(String, ::redis::Script)>,
}

impl Script {
    /// By which the server knows it.
    pub(super) fn hash(&self, place: Place) -> &str {
        match place {
            Place::Server => self.known.get_hash(),
            Place::Slot => self.in_slot.1.get_hash(),
        }
    }

    /// Whether somebody relies on what it wrote once it is answered: that must survive a failover where the URL asks for replicas.
    pub(super) fn is_promise(&self) -> bool {
        let promises = [&ADD, &DELIVER, &DELIVER_FLOW, &FLOW, &FIRE, &CHANGE, &ACQUIRE, &RENEW_LEASE];
        promises.into_iter().any(|promise| std::ptr::eq(promise, self))
    }

    /// The command that loads it.
    pub(super) fn load(&self, place: Place) -> ::redis::Cmd {
        let mut command = ::redis::cmd("SCRIPT");
        command.arg("LOAD").arg(match place {
            Place::Server => self.source,
            Place::Slot => &self.in_slot.0,
        });
        command
    }
}

/// Puts a script together from what several share and what is its own.
macro_rules! scripts {
    ($($name:ident = [$($file:literal),*];)*) => {
        $(
            pub(super) static $name: Script = {
                const SOURCE: &str = concat!($(include_str!(concat!("scripts/", $file, ".lua")), "\n"),*);
                Script {
                    source: SOURCE,
                    known: LazyLock::new(|| ::redis::Script::new(SOURCE)),
                    in_slot: LazyLock::new(|| {
                        let source = [SLOT, SOURCE].concat();
                        let known = ::redis::Script::new(&source);
                        (source, known)
                    }),
                }
            };
        )*
    };
}

scripts! {
    ADD = ["common", "adding", "add", "added"];
    FLOW = ["common", "places", "finishing", "adding", "flow", "added"];
    DELIVER = ["common", "adding", "delivering", "add", "delivered"];
    DELIVER_FLOW = ["common", "places", "finishing", "adding", "delivering", "flow", "delivered"];
    TAKE = ["common", "places", "limiting", "finishing", "taking", "take"];
    FINISH = ["common", "places", "limiting", "finishing", "taking", "finish"];
    RECOVER = ["common", "places", "limiting", "finishing", "recover"];
    RENEW = ["renew"];
    PROGRESS = ["common", "progress"];
    CHECKPOINT = ["checkpoint"];
    APPEND_LOG = ["append_log"];
    LOGS = ["logs"];
    RELEASE_PARKED = ["common", "release_parked"];
    COUNTS = ["common", "counts"];
    GET = ["common", "listing", "get"];
    CHILDREN = ["common", "listing", "children"];
    LIST = ["common", "listing", "list"];
    CHANGE = ["common", "places", "limiting", "finishing", "listing", "change"];
    PAUSE = ["common", "pause"];
    LIMIT = ["common", "places", "limiting", "limit"];
    NEXT_DUE = ["common", "next_due"];
    OLDEST = ["common", "oldest"];
    SUCCESSOR = ["common", "successor"];
    DECLARE = ["declare"];
    RECORDS = ["records"];
    FIRE = ["common", "adding", "fire"];
    ACQUIRE = ["acquire"];
    RENEW_LEASE = ["renew_lease"];
    RELEASE_LEASE = ["release_lease"];
}
