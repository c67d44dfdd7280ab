//! The socket of a connection, with the deadlines that hyper does not keep.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::state::{ConnectionState, Patience, Phase};

/// The length of the HTTP/2 connection preface.
pub(super) const PREFACE_BYTES: usize = 24;

/// How long what a client goes on sending is thrown away once the response is written.
///
/// Closing a socket with bytes unread resets it, and the client may lose the response that says why (RFC 9112, section 9.6).
const LINGER: Duration = Duration::from_secs(5);

/// A socket that first gives back what was read from it to recognise the protocol, that closes when a request head takes too
/// long, and that closes when the client takes nothing of what is to be sent.
#[derive(Debug)]
pub(super) struct ConnectionIo {
    stream: TcpStream,
    prefix: [u8; PREFACE_BYTES],
    prefix_end: usize,
    prefix_start: usize,
    connection: Arc<ConnectionState>,
    head: Patience,
    write: Patience,
    linger: Patience,
}

impl ConnectionIo {
    pub(super) fn new(
        stream: TcpStream,
        prefix: [u8; PREFACE_BYTES],
        prefix_end: usize,
        connection: Arc<ConnectionState>,
    ) -> Self {
        Self {
            stream,
            prefix,
            prefix_end,
            prefix_start: 0,
            connection,
            head: Patience::default(),
            write: Patience::default(),
            linger: Patience::default(),
        }
    }

    fn note_bytes(&mut self) {
        self.connection.forget_written();
        if self.connection.is_in(Phase::Idle) {
            self.connection.enter(Phase::Head);
            self.head.disarm();
        }
    }

    fn note_written(&self, result: &Poll<Result<usize>>, bytes: &[u8]) {
        if result.is_ready() && !self.connection.is_running() {
            self.connection.note_written(bytes);
        }
    }

    fn bound_write(&mut self, context: &mut Context<'_>, result: Poll<Result<usize>>) -> Poll<Result<usize>> {
        if result.is_ready() {
            self.write.disarm();
            return result;
        }
        let limit = self.connection.server.options.write_pause_timeout;
        if self.write.is_exhausted(limit, context) {
            return Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the client takes nothing of the response")));
        }
        Poll::Pending
    }
}

impl AsyncRead for ConnectionIo {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        if self.prefix_start < self.prefix_end {
            let count = buffer.remaining().min(self.prefix_end - self.prefix_start);
            buffer.put_slice(&self.prefix[self.prefix_start..self.prefix_start + count]);
            self.prefix_start += count;
            self.note_bytes();
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        if result.is_ready() {
            if buffer.filled().len() > before {
                self.note_bytes();
            }
            return result;
        }
        let limit = self.connection.server.options.header_timeout;
        if self.connection.is_in(Phase::Head) && self.head.is_exhausted(limit, context) {
            return Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the request head takes too long")));
        }
        Poll::Pending
    }
}

impl AsyncWrite for ConnectionIo {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note_written(&result, bytes);
        self.bound_write(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note_written(&result, slices.first().map_or(&[], |slice| slice));
        self.bound_write(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        if !self.connection.has_unread_body() {
            return Poll::Ready(Ok(()));
        }
        let mut scratch = [0; 8 * 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending if self.linger.is_exhausted(LINGER, context) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
