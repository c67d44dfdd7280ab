//! The options of a job, shared by `#[job]`, the contract form of `#[derive(Job)]`, and `#[scheduled]`.

use proc_macro2::TokenStream;
use quote::quote;
use std::time::Duration;

use super::arguments::{Arguments, Known, Takes};
use super::errors::Errors;
use super::literals::{self, Backoff, Growth, Retention, duration_tokens};

/// The options that say how one job is to be run.
pub(crate) const KNOWN: &[Known] = &[
    ("queue", Takes::Value("\"email\"")),
    ("ordering", Takes::Value("fair")),
    ("priority", Takes::Value("high")),
    ("attempts", Takes::Value("3")),
    ("backoff", Takes::Value("\"exponential 1s\"")),
    ("timeout", Takes::Value("\"30s\"")),
    ("keep_completed", Takes::Value("\"1000, 1d\"")),
    ("keep_failed", Takes::Value("\"10000, 30d\"")),
];

const ORDERINGS: [&str; 3] = ["priority", "fifo", "fair"];
const PRIORITIES: [&str; 4] = ["critical", "high", "normal", "low"];

/// How one job is to be run; what is not given is the default.
#[derive(Default)]
pub(crate) struct JobOptions {
    queue: Option<String>,
    ordering: Option<usize>,
    priority: Option<usize>,
    attempts: Option<u32>,
    backoff: Option<Backoff>,
    timeout: Option<Duration>,
    keep_completed: Retention,
    keep_failed: Retention,
}

impl JobOptions {
    /// Reads and checks them.
    pub(crate) fn read(arguments: &Arguments, errors: &mut Errors) -> Self {
        let backoff = arguments.string_as("backoff", errors, literals::backoff);
        let attempts = arguments.at_least("attempts", 1, errors);
        if let (Some(_), Some(1), Some(argument)) = (&backoff, attempts, arguments.get("backoff")) {
            errors.at(argument.span(), "with `attempts = 1` nothing is tried again: leave `backoff` out");
        }
        let timeout = arguments.string_as("timeout", errors, |literal| {
            let timeout = literals::duration(literal)?;
            if timeout.is_zero() {
                return Err(syn::Error::new(
                    literal.span(),
                    "no job finishes in no time: leave `timeout` out for no limit",
                ));
            }
            Ok(timeout)
        });
        let ordering = arguments.word("ordering", &ORDERINGS, errors);
        let priority = arguments.word("priority", &PRIORITIES, errors);
        if let (Some(1), Some(argument)) = (ordering, arguments.get("priority")) {
            errors.at(argument.span(), "with `ordering = fifo` no priority counts: leave `priority` out");
        }
        Self {
            queue: arguments.string_as("queue", errors, |literal| literals::wire_name(literal, "queue name")),
            ordering,
            priority,
            attempts,
            backoff,
            timeout,
            keep_completed: arguments.string_as("keep_completed", errors, literals::retention).unwrap_or_default(),
            keep_failed: arguments.string_as("keep_failed", errors, literals::retention).unwrap_or_default(),
        }
    }

    /// Whether tenants take turns.
    pub(crate) fn takes_turns(&self) -> bool {
        self.ordering == Some(2)
    }

    /// The `JobOptions` they make.
    pub(crate) fn tokens(&self) -> TokenStream {
        let queue = match &self.queue {
            Some(queue) => quote!(#queue),
            None => quote!("default"),
        };
        let ordering = match self.ordering {
            Some(1) => quote!(athyper::private::QueueOrdering::Fifo),
            Some(2) => quote!(athyper::private::QueueOrdering::Fair),
            _ => quote!(athyper::private::QueueOrdering::Priority),
        };
        let priority = match self.priority {
            Some(0) => quote!(athyper::private::Priority::Critical),
            Some(1) => quote!(athyper::private::Priority::High),
            Some(3) => quote!(athyper::private::Priority::Low),
            _ => quote!(athyper::private::Priority::Normal),
        };
        let attempts = match self.attempts {
            Some(attempts) => quote!(#attempts),
            None => quote!(athyper::private::JobOptions::DEFAULT.attempts),
        };
        let backoff = match &self.backoff {
            Some(backoff) => backoff_tokens(backoff),
            None => quote!(athyper::private::JobOptions::DEFAULT.backoff),
        };
        let timeout = match self.timeout {
            Some(timeout) => {
                let timeout = duration_tokens(timeout);
                quote!(::core::option::Option::Some(#timeout))
            }
            None => quote!(::core::option::Option::None),
        };
        let completed = retention_tokens(self.keep_completed, &quote!(athyper::private::Retention::COMPLETED));
        let failed = retention_tokens(self.keep_failed, &quote!(athyper::private::Retention::FAILED));
        quote! {
            athyper::private::job_options(#queue, #ordering, #priority, #attempts, #backoff, #timeout, #completed, #failed)
        }
    }
}

fn backoff_tokens(backoff: &Backoff) -> TokenStream {
    let base = duration_tokens(backoff.base);
    let jitter = backoff.jitter_percent;
    let growth = match backoff.growth {
        Growth::Fixed => quote!(fixed),
        Growth::Linear => quote!(linear),
        Growth::Exponential => quote!(exponential),
    };
    let max = backoff.longest().map(|max| {
        let max = duration_tokens(max);
        quote!(max: #max,)
    });
    quote! {
        athyper::private::Backoff {
            #max
            jitter_percent: #jitter,
            ..athyper::private::Backoff::#growth(#base)
        }
    }
}

fn retention_tokens(retention: Retention, default: &TokenStream) -> TokenStream {
    let count = match retention.count {
        Some(count) => quote!(#count),
        None => quote!(#default.count),
    };
    let age = match retention.age {
        Some(age) => duration_tokens(age),
        None => quote!(#default.age),
    };
    quote!(athyper::private::Retention { count: #count, age: #age })
}
