//! What every implementation of the `Leadership` port must do.
//!
//! Run it on an implementation with [`leadership_conformance!`](crate::leadership_conformance): one test a case.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use athyper::leadership::{Leadership, Lease};

use super::case::ensure;
pub use super::case::{StoreTime, Violation};

/// A fresh store for one case.
pub struct LeadershipFixture {
    /// The store.
    pub leadership: Arc<dyn Leadership>,
    /// The same store as another process sees it.
    pub other: Arc<dyn Leadership>,
    /// The store's time.
    pub time: Arc<dyn StoreTime>,
}

impl fmt::Debug for LeadershipFixture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LeadershipFixture").field("leadership", &self.leadership).finish_non_exhaustive()
    }
}

const LEASE: Duration = Duration::from_secs(10);
const ALMOST: Duration = Duration::from_millis(9_900);

async fn take(leadership: &dyn Leadership, name: &str, holder: &str) -> Result<Lease, Violation> {
    let lease = leadership.acquire(name, holder, LEASE).await?;
    lease.ok_or_else(|| Violation::new(format!("`{holder}` was refused the free lease `{name}`")))
}

/// Makes the list of the cases, the function that runs one by name, and the macro that turns each into a test.
macro_rules! cases {
    ($(#[doc = $doc:literal] async fn $name:ident($fixture:ident) $body:block)*) => {
        $(
            #[doc = $doc]
            ///
            /// # Errors
            /// What the implementation did instead.
            pub async fn $name($fixture: LeadershipFixture) -> Result<(), Violation> $body
        )*

        /// The names of all cases.
        pub const CASES: &[&str] = &[$(stringify!($name)),*];

        /// Runs the case of a name.
        ///
        /// # Errors
        /// What the implementation did instead; or that there is no such case.
        pub async fn run(case: &str, fixture: LeadershipFixture) -> Result<(), Violation> {
            match case {
                $(stringify!($name) => $name(fixture).await,)*
                _ => Err(Violation::new(format!("there is no case `{case}`"))),
            }
        }
    };
}

cases! {
    /// A free lease is taken, by the holder who asked, under the name that was asked for.
    async fn a_free_lease_is_taken(fixture) {
        let lease = take(&*fixture.leadership, "a", "one").await?;
        ensure(lease.name == "a" && lease.holder == "one" && lease.epoch > 0, format!("got {lease:?}"))
    }

    /// A lease that is held is refused to everybody else, in this process and in another.
    async fn a_held_lease_is_refused(fixture) {
        take(&*fixture.leadership, "a", "one").await?;
        fixture.time.pass(ALMOST).await;
        let here = fixture.leadership.acquire("a", "two", LEASE).await?;
        let there = fixture.other.acquire("a", "two", LEASE).await?;
        ensure(here.is_none() && there.is_none(), format!("a second holder got it: {here:?}, {there:?}"))
    }

    /// Of many who ask at once, one gets it.
    async fn one_of_many_gets_it(fixture) {
        let holders: Vec<String> = (0..16).map(|number| format!("holder-{number}")).collect();
        let mut asked = tokio::task::JoinSet::new();
        for (number, holder) in holders.into_iter().enumerate() {
            let store = Arc::clone(if number % 2 == 0 { &fixture.leadership } else { &fixture.other });
            asked.spawn(async move { store.acquire("a", &holder, LEASE).await });
        }
        let mut winners = 0;
        while let Some(answer) = asked.join_next().await {
            let answer = answer.map_err(|error| Violation::new(format!("asking panicked: {error}")))?;
            winners += usize::from(answer?.is_some());
        }
        ensure(winners == 1, format!("{winners} of 16 lead"))
    }

    /// Its holder takes it again under the same epoch, and for the whole time anew.
    async fn its_holder_takes_it_again(fixture) {
        let first = take(&*fixture.leadership, "a", "one").await?;
        fixture.time.pass(ALMOST).await;
        let again = fixture.leadership.acquire("a", "one", LEASE).await?;
        ensure(again.as_ref() == Some(&first), format!("{first:?} became {again:?}"))?;
        fixture.time.pass(ALMOST).await;
        let two = fixture.other.acquire("a", "two", LEASE).await?;
        ensure(two.is_none(), "taking it again did not prolong it")
    }

    /// It runs out when its time has passed, and not before.
    async fn it_runs_out(fixture) {
        let first = take(&*fixture.leadership, "a", "one").await?;
        fixture.time.pass(LEASE + Duration::from_millis(100)).await;
        let second = take(&*fixture.other, "a", "two").await?;
        ensure(second.epoch > first.epoch, format!("the epoch went from {} to {}", first.epoch, second.epoch))?;
        ensure(!fixture.leadership.renew(&first, LEASE).await?, "the former holder could renew")
    }

    /// A lease that ran out cannot be renewed, even when nobody else took it.
    async fn what_ran_out_is_not_renewed(fixture) {
        let lease = take(&*fixture.leadership, "a", "one").await?;
        fixture.time.pass(LEASE + Duration::from_millis(100)).await;
        ensure(!fixture.leadership.renew(&lease, LEASE).await?, "it was renewed after it ran out")
    }

    /// The epoch grows also when the same holder comes back.
    async fn a_holder_that_comes_back_has_a_later_epoch(fixture) {
        let first = take(&*fixture.leadership, "a", "one").await?;
        fixture.time.pass(LEASE + Duration::from_millis(100)).await;
        let second = take(&*fixture.leadership, "a", "one").await?;
        ensure(second.epoch > first.epoch, format!("the epoch went from {} to {}", first.epoch, second.epoch))?;
        ensure(!fixture.leadership.renew(&first, LEASE).await?, "the lease of the earlier epoch was renewed")
    }

    /// Renewing prolongs it from now.
    async fn renewing_prolongs_it(fixture) {
        let lease = take(&*fixture.leadership, "a", "one").await?;
        for _ in 0..3 {
            fixture.time.pass(ALMOST).await;
            ensure(fixture.leadership.renew(&lease, LEASE).await?, "the holder could not renew")?;
        }
        fixture.time.pass(ALMOST).await;
        ensure(fixture.other.acquire("a", "two", LEASE).await?.is_none(), "renewing did not prolong it")?;
        fixture.time.pass(Duration::from_millis(200)).await;
        ensure(fixture.other.acquire("a", "two", LEASE).await?.is_some(), "renewing prolonged it for too long")
    }

    /// Nobody renews a lease that another holds, or one that never was.
    async fn only_its_holder_renews_it(fixture) {
        let lease = take(&*fixture.leadership, "a", "one").await?;
        let stranger = Lease { holder: "two".to_owned(), ..lease.clone() };
        ensure(!fixture.other.renew(&stranger, LEASE).await?, "a stranger renewed it")?;
        let unknown = Lease { name: "b".to_owned(), ..lease };
        ensure(!fixture.leadership.renew(&unknown, LEASE).await?, "a lease that nobody took was renewed")
    }

    /// A released lease is free at once, and its next epoch is later.
    async fn a_released_lease_is_free(fixture) {
        let first = take(&*fixture.leadership, "a", "one").await?;
        fixture.leadership.release(&first).await?;
        ensure(!fixture.leadership.renew(&first, LEASE).await?, "a released lease was renewed")?;
        let second = take(&*fixture.other, "a", "two").await?;
        ensure(second.epoch > first.epoch, format!("the epoch went from {} to {}", first.epoch, second.epoch))
    }

    /// Releasing what one does not hold changes nothing.
    async fn only_its_holder_releases_it(fixture) {
        let first = take(&*fixture.leadership, "a", "one").await?;
        fixture.other.release(&Lease { holder: "two".to_owned(), ..first.clone() }).await?;
        ensure(fixture.other.acquire("a", "two", LEASE).await?.is_none(), "a stranger released it")?;
        fixture.time.pass(LEASE + Duration::from_millis(100)).await;
        let again = take(&*fixture.leadership, "a", "one").await?;
        fixture.leadership.release(&first).await?;
        ensure(fixture.leadership.renew(&again, LEASE).await?, "releasing an earlier epoch ended the later one")
    }

    /// Two names are two leases.
    async fn names_are_separate(fixture) {
        let first = take(&*fixture.leadership, "a", "one").await?;
        let second = take(&*fixture.leadership, "b", "two").await?;
        fixture.leadership.release(&second).await?;
        ensure(fixture.leadership.renew(&first, LEASE).await?, "releasing one name ended the other")
    }

    /// A wall clock that jumps ends no lease.
    async fn a_wall_clock_that_jumps_changes_nothing(fixture) {
        let lease = take(&*fixture.leadership, "a", "one").await?;
        fixture.time.jump_wall_clock(Duration::from_secs(3_600)).await;
        ensure(fixture.other.acquire("a", "two", LEASE).await?.is_none(), "the jump ended the lease")?;
        ensure(fixture.leadership.renew(&lease, LEASE).await?, "the holder could not renew after the jump")
    }

    /// A lease from an earlier boot of the machine has run out, whatever the clock reads now.
    async fn a_restart_ends_it(fixture) {
        let first = take(&*fixture.leadership, "a", "one").await?;
        if !fixture.time.restart_machine().await {
            return Ok(());
        }
        ensure(!fixture.leadership.renew(&first, LEASE).await?, "a lease of an earlier boot was renewed")?;
        let second = take(&*fixture.other, "a", "two").await?;
        ensure(second.epoch > first.epoch, format!("the epoch went from {} to {}", first.epoch, second.epoch))
    }
}

/// Runs every case of the leadership suite, each as a test of its own.
///
/// Takes an `async fn() -> LeadershipFixture` that opens a fresh store.
///
/// ```
/// # use athyper_testkit::conformance::leadership::LeadershipFixture;
/// # async fn memory_fixture() -> LeadershipFixture { std::future::pending().await }
/// mod on_memory {
///     athyper_testkit::leadership_conformance!(super::memory_fixture);
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! leadership_conformance {
    ($open:path) => {
        $crate::leadership_conformance! { $open;
            a_free_lease_is_taken a_held_lease_is_refused one_of_many_gets_it its_holder_takes_it_again it_runs_out
            what_ran_out_is_not_renewed a_holder_that_comes_back_has_a_later_epoch renewing_prolongs_it
            only_its_holder_renews_it a_released_lease_is_free only_its_holder_releases_it names_are_separate
            a_wall_clock_that_jumps_changes_nothing a_restart_ends_it
        }

        #[test]
        fn no_case_is_left_out() {
            assert_eq!(RUN, $crate::conformance::leadership::CASES);
        }
    };
    ($open:path; $($case:ident)*) => {
        const RUN: &[&str] = &[$(stringify!($case)),*];

        $(
            #[::tokio::test]
            async fn $case() {
                if let Err(violation) = $crate::conformance::leadership::$case($open().await).await {
                    panic!("{violation}");
                }
            }
        )*
    };
}
