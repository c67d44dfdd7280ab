//! How much of a handler's queue may run in all processes.

use proc_macro2::TokenStream;
use quote::quote;
use std::time::Duration;
use syn::{Error, LitStr, Result};

use crate::common::arguments::{Arguments, Known, Takes};
use crate::common::errors::Errors;
use crate::common::literals::{duration_in, duration_tokens};

/// The options that say it.
pub(super) const KNOWN: &[Known] = &[
    ("total_concurrency", Takes::Value("20")),
    ("rate", Takes::Value("\"100/1m\"")),
    ("tenant_concurrency", Takes::Value("2")),
    ("tenant_rate", Takes::Value("\"10/1s\"")),
];

/// So many within a time.
struct Rate {
    count: u32,
    period: Duration,
}

/// How much of a queue may run; what is not given has no limit.
#[derive(Default)]
pub(crate) struct Limits {
    total_concurrency: Option<u32>,
    rate: Option<Rate>,
    tenant_concurrency: Option<u32>,
    tenant_rate: Option<Rate>,
}

impl Limits {
    /// Reads and checks them.
    pub(super) fn read(arguments: &Arguments, takes_turns: bool, errors: &mut Errors) -> Self {
        if !takes_turns {
            for name in ["tenant_concurrency", "tenant_rate"] {
                if let Some(argument) = arguments.get(name) {
                    let message = format!("`{name}` holds in a queue where tenants take turns: add `ordering = fair`");
                    errors.at(argument.name.span(), message);
                }
            }
        }
        Self {
            total_concurrency: arguments.at_least("total_concurrency", 1, errors),
            rate: arguments.string_as("rate", errors, rate),
            tenant_concurrency: arguments.at_least("tenant_concurrency", 1, errors),
            tenant_rate: arguments.string_as("tenant_rate", errors, rate),
        }
    }

    /// The `QueueLimits` they make.
    pub(crate) fn tokens(&self) -> TokenStream {
        let limit = |concurrency: Option<u32>, rate: &Option<Rate>| {
            let concurrency = concurrency.unwrap_or_default();
            let (count, period) = rate.as_ref().map_or((0, Duration::ZERO), |rate| (rate.count, rate.period));
            let period = duration_tokens(period);
            quote!(athyper::private::limit(#concurrency, #count, #period))
        };
        let queue = limit(self.total_concurrency, &self.rate);
        let tenant = limit(self.tenant_concurrency, &self.tenant_rate);
        quote!(athyper::private::QueueLimits { queue: #queue, tenant: #tenant })
    }
}

fn rate(literal: &LitStr) -> Result<Rate> {
    let text = literal.value();
    let refuse =
        |why: &str| Error::new(literal.span(), format!("`{text}` is no rate: {why}; write for instance \"100/1m\""));
    let (count, period) = text.split_once('/').ok_or_else(|| refuse("it does not say within which time"))?;
    let count = count
        .trim()
        .parse()
        .ok()
        .filter(|count| *count > 0)
        .ok_or_else(|| refuse("its count is a whole number from 1"))?;
    let period = duration_in(period, literal.span())?;
    if period.is_zero() || period.subsec_nanos() % 1_000_000 != 0 {
        return Err(refuse("its time is whole milliseconds"));
    }
    Ok(Rate { count, period })
}
