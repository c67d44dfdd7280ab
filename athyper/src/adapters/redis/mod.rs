//! Redis: job queue and leases on a server, for many processes, in the data layout of BullMQ 6.
//!
//! Node producers, workers and dashboards of BullMQ work on the same queues, in both directions.
//!
//! # URLs
//! `redis://host:6379`, `redis://user:password@host:6379/0`, `rediss://host:6379` for TLS. A server of version 6.2 or later.
//!
//! `redis+sentinel://host:26379,host:26379/NAME/0` names sentinels, and what they call the primary. User and password are those
//! of the servers; a sentinel that wants to know who asks is told the same.
//!
//! `redis+cluster://host:6379,host:6379/PREFIX` names nodes of a cluster, and perhaps the prefix. With TLS both begin with `rediss`.
//!
//! | option | default | |
//! | --- | --- | --- |
//! | `prefix` | `bull` | what every key begins with, as BullMQ's own option of that name; in braces all keys share a slot. In a cluster it is put in braces unless it has some |
//! | `durability` | `second` | what the server must promise: `always`: a job survives power loss; `second`: it survives the end of the server's process, except what was written while a flush to a slow disk was under way, and a power loss undoes at most a second or two; `none`: whatever there is. Read at start from persistence and eviction policy; a server that promises less is refused |
//! | `replicas` | `0` | how many replicas must have a job before it counts as added, and a lease before it is held (`WAIT`); otherwise the outcome is unknown |
//! | `authority` | the system's | with TLS: the file of the certificates (PEM) that servers are trusted by |
//!
//! # What is stored
//! The keys and fields of BullMQ, and a few of our own that others ignore, each beginning with `ath:`. In a job's hash: `ath:v`
//! (the payload's version), `ath:ctx` (who asked), `ath:due` (when it became or becomes ready, in microseconds), `ath:serial` (its
//! serial key), `ath:place` (its score while it waited), `ath:parked`, `ath:checkpoint`, `ath:cancel`. Beside the queue's own keys: `ath:parked` (delayed jobs that
//! are parked), `ath:serial` (serial keys and who holds them), `ath:held` and `ath:held:KEY` (jobs that wait for their serial
//! key), `ath:order`, `ath:cancelled` (active jobs that were cancelled), `ath:expiring` (finished jobs by when they go). Where tenants have limits, which stand in `meta` as
//! `ath:tenant:concurrency`, `ath:tenant:max` and `ath:tenant:duration`: `ath:tenants` and `ath:limited` (how many jobs of each run, and
//! which), `ath:starts` and `ath:periods` (how many of each were started, until when), `ath:beyond:TENANT` and `ath:crowded` (jobs that
//! wait for room, and of which tenants there are such). Below `PREFIX::ath:`: the names of the queues, schedules, leases.
//!
//! An id that would be taken for one of the queue's own keys is stored in another spelling, beginning with `ath~`.
//!
//! # Where it differs from the other queues
//! Instants are kept to the millisecond, and jobs that become ready in the same one run in the order in which the server
//! learnt of it. Jobs without a priority (number 0) that come back from workers stand in front, the latest first. The product's
//! clock says when jobs are due, the server's when locks, leases and unique keys end. BullMQ's jobs that wait for their children
//! are in no state of ours: they are found by their id, and not listed.
//!
//! # Connections
//! Commands share one connection, and each queue whose workers wait has one more. A thread of their own drives them. A command that
//! was not executed is sent again for about a second and a half; one that may have been executed only if that makes no
//! difference. A server that turns out to be a replica is connected to anew.
//!
//! All queues, schedules and leases of a prefix lie on one server. With sentinels that is the primary: they are asked in turn, and who
//! is said to be it must say so itself. In a cluster it is the node that has the slot of the prefix: the nodes are asked in turn.
//! It is looked for anew when the connection is lost, and when the server answers `READONLY`, `MOVED` or `CLUSTERDOWN`: then nothing
//! was executed, and everything may be sent again.
//!
//! While a slot moves from node to node, some of its keys are here and some are there, and no script could do the whole of what it
//! should on either: each looks first, and is not begun (`TRYAGAIN`). What is asked waits for about a second and a half.

mod cluster;
mod connection;
mod driver;
mod durability;
mod error;
mod job_queue;
mod leadership;
mod options;
mod scripts;
mod sentinel;
mod servers;
mod target;
