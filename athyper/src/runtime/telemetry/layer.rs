//! From `tracing` events to lines.

use std::fmt;
use std::sync::Arc;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::line::{Line, LineFormat};
use super::writer::LineWriter;
use crate::foundation::clock::Clock;
use crate::runtime::current_context::current_context;

/// The fields of a span, as they stand in lines.
struct SpanFields(String);

/// Writes a line for each event: its fields, those of the spans around it, and what request or job it belongs to.
pub(super) struct LineLayer {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) format: LineFormat,
    pub(super) writer: LineWriter,
}

impl fmt::Debug for LineLayer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LineLayer").field("format", &self.format).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for LineLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut line = Line::fields_only(self.format);
        attributes.record(&mut line);
        span.extensions_mut().insert(SpanFields(line.into_fields()));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut line = Line::fields_only(self.format);
        values.record(&mut line);
        if let Some(fields) = span.extensions_mut().get_mut::<SpanFields>() {
            fields.0.push_str(&line.into_fields());
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut line = Line::begin(self.format, self.clock.now(), metadata);
        event.record(&mut line);
        if let Some(scope) = context.event_scope(event) {
            for span in scope.from_root() {
                if let Some(fields) = span.extensions().get::<SpanFields>() {
                    line.push_span(span.name(), &fields.0);
                }
            }
        }
        if !line.names_request()
            && let Some(current) = current_context()
        {
            line.push_context(&current);
        }
        line.finish(|bytes| self.writer.push(bytes, *metadata.level() == Level::ERROR));
    }
}
