//! The options that one job and many jobs of a kind have in common.

/// Adds the methods that change the `draft` of what they are called in.
macro_rules! shared_options {
    () => {
        /// Runs no earlier than after `delay`.
        pub fn delay(mut self, delay: ::std::time::Duration) -> Self {
            self.draft.when = crate::runtime::jobs::client::draft::When::After(delay);
            self
        }

        /// Runs no earlier than at `instant`.
        pub fn at(mut self, instant: crate::foundation::clock::Timestamp) -> Self {
            self.draft.when = crate::runtime::jobs::client::draft::When::At(instant);
            self
        }

        /// Runs before or after others that wait.
        pub fn priority(mut self, priority: crate::foundation::jobs::Priority) -> Self {
            self.draft.options.priority = priority;
            self
        }

        /// How often the handler may start before a job counts as failed; at least 1.
        pub fn attempts(mut self, attempts: u32) -> Self {
            self.draft.options.attempts = attempts;
            self
        }

        /// Runs jobs of the queue with the same key one after another.
        pub fn serial(mut self, key: impl Into<String>) -> Self {
            self.draft.serial_key = Some(key.into());
            self
        }

        /// Enqueues on behalf of another unit of work than the running one.
        ///
        /// Its deadline comes along: a job that has not started by then fails without an attempt. The deadline of the running
        /// unit of work does not travel, because that is how long somebody waits for an answer, and nobody waits for the job.
        pub fn context(mut self, context: crate::foundation::context::Context) -> Self {
            self.draft.context = Some(context);
            self
        }
    };
}

pub(super) use shared_options;
