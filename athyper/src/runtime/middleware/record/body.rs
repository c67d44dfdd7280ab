//! Closing a record when the response body ends, or is given up.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::layer::Recorder;
use crate::runtime::http::RequestRecord;

/// The status that stands in the log for a client that left before it was answered; nginx's number.
const CLIENT_CLOSED_REQUEST: StatusCode = match StatusCode::from_u16(499) {
    Ok(status) => status,
    Err(_) => panic!("499 is a status"),
};

/// How a response ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// All of it was handed over.
    Complete,
    /// The client, or the drain's deadline, ended it before.
    Aborted,
    /// Its source failed half-way.
    Failed,
}

impl Ending {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Aborted => "aborted",
            Self::Failed => "failed",
        }
    }
}

/// What is known of a response when its record is closed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Closing {
    pub(super) status: StatusCode,
    pub(super) bytes: u64,
    pub(super) ending: Ending,
    pub(super) counts: bool,
    pub(super) logs: bool,
}

/// A record that is counted and logged once: when it is closed, or else dropped.
#[derive(Debug)]
pub(crate) struct OpenRecord {
    recorder: Arc<Recorder>,
    record: Arc<RequestRecord>,
    closing: Option<Closing>,
}

impl OpenRecord {
    pub(super) fn new(recorder: Arc<Recorder>, record: Arc<RequestRecord>, counts: bool, logs: bool) -> Self {
        // Until there is a response, being dropped means that the client left.
        let closing = Closing { status: CLIENT_CLOSED_REQUEST, bytes: 0, ending: Ending::Aborted, counts, logs };
        Self { recorder, record, closing: Some(closing) }
    }

    /// Closes the record when `body` has ended.
    pub(super) fn follow(mut self, status: StatusCode, body: Body) -> Body {
        let has_no_body = self.record.method() == Method::HEAD
            || status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if let Some(closing) = &mut self.closing {
            closing.status = status;
        }
        if has_no_body || body.is_end_stream() {
            self.end(Ending::Complete);
            return body;
        }
        Body::new(RecordedBody { body, open: self })
    }

    fn sent(&mut self, bytes: usize) {
        if let Some(closing) = &mut self.closing {
            closing.bytes += bytes as u64;
        }
    }

    fn end(&mut self, ending: Ending) {
        if let Some(closing) = self.closing.take() {
            self.recorder.close(&self.record, Closing { ending, ..closing });
        }
    }
}

impl Drop for OpenRecord {
    fn drop(&mut self) {
        self.end(Ending::Aborted);
    }
}

#[derive(Debug)]
struct RecordedBody {
    body: Body,
    open: OpenRecord,
}

impl HttpBody for RecordedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                self.open.sent(frame.data_ref().map_or(0, Bytes::len));
                // hyper asks no further once it knows that this was the last one.
                if self.body.is_end_stream() {
                    self.open.end(Ending::Complete);
                }
            }
            Some(Err(_)) => self.open.end(Ending::Failed),
            None => self.open.end(Ending::Complete),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
