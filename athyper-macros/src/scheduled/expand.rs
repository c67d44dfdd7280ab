//! The descriptor of a schedule, and its entry in the table.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Type, parse_quote};

use super::model::{Missed, Overlap, Schedule};
use crate::job::{Handler, Identity};

pub(super) fn expand(schedule: &Schedule) -> TokenStream {
    let Schedule { ident, name, expression, zone, options, .. } = schedule;
    let missed = match schedule.missed {
        Some(Missed::Skip) => quote!(athyper::private::MissedTicks::Skip),
        Some(Missed::Once) => quote!(athyper::private::MissedTicks::Once),
        Some(Missed::All) => quote!(athyper::private::MissedTicks::All),
        None => quote!(athyper::private::DEFAULT_MISSED),
    };
    let overlap = match schedule.overlap {
        Some(Overlap::Skip) => quote!(athyper::private::Overlap::Skip),
        Some(Overlap::Queue) => quote!(athyper::private::Overlap::Queue),
        Some(Overlap::Allow) => quote!(athyper::private::Overlap::Allow),
        None => quote!(athyper::private::DEFAULT_OVERLAP),
    };
    // The dot keeps it apart from every kind that comes from a type's name.
    let kind = format!("schedule.{name}");
    let options = options.tokens();
    let payload: Type = parse_quote!(athyper::private::Tick);
    let label = format!("schedule `{ident}`");
    let identity = Identity {
        kind: quote!(#kind),
        version: quote!(1),
        aliases: quote!(&[]),
        upcasts: quote!(&[]),
        options: quote!(&__ATHYPER_OPTIONS),
    };
    let (returned, sources) = (&schedule.returned, &schedule.sources);
    let limits = quote!(athyper::private::QueueLimits::NONE);
    let handler =
        Handler { ident, label: &label, payload: &payload, returned, sources, identity, concurrency: None, limits };
    let job = handler.descriptor();
    quote! {
        const _: () = {
            const __ATHYPER_OPTIONS: athyper::private::JobOptions = #options;
            #[athyper::private::linkme::distributed_slice(athyper::private::ATHYPER_SCHEDULES_V0)]
            #[linkme(crate = athyper::private::linkme)]
            static __ATHYPER_SCHEDULE: athyper::private::ScheduleDescriptor = athyper::private::ScheduleDescriptor {
                name: #name,
                expression: #expression,
                zone: #zone,
                missed: #missed,
                overlap: #overlap,
                job: #job,
            };
        };
    }
}
