//! An HTTP client that trusts nothing: one connection a request, every outcome told apart, nothing repeated.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a server may take over anything.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A complete response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, chunks put together.
    pub body: Vec<u8>,
}

impl Response {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text()))
    }
}

/// What became of a request.
#[derive(Debug)]
pub enum Outcome {
    /// Nobody listens, or the connection was refused before anything was sent.
    Refused(io::Error),
    /// Sent, at least in part, and no complete response came back.
    Broken(io::Error),
    /// Answered in full.
    Answered(Response),
}

impl Outcome {
    /// The response.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    #[track_caller]
    pub fn response(self) -> Response {
        match self {
            Self::Answered(response) => response,
            other => panic!("no response: {other:?}"),
        }
    }

    /// The status, when there is one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answered(response) => Some(response.status),
            _ => None,
        }
    }
}

/// `GET path`
#[must_use]
pub fn get(address: SocketAddr, path: &str) -> Outcome {
    send(address, format!("GET {path} HTTP/1.1\r\nhost: drill\r\nconnection: close\r\n\r\n").as_bytes())
}

/// `POST path` with a JSON body.
#[must_use]
pub fn post(address: SocketAddr, path: &str, body: &str) -> Outcome {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: drill\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    send(address, [head.as_bytes(), body.as_bytes()].concat().as_slice())
}

/// Sends bytes as they are and reads one response.
#[must_use]
pub fn send(address: SocketAddr, request: &[u8]) -> Outcome {
    let mut stream = match connect(address) {
        Ok(stream) => stream,
        Err(error) => return Outcome::Refused(error),
    };
    // A server may answer and close before it has read a request that it refuses: what it said counts, not the failed write.
    let written = stream.write_all(request);
    match read_response(&mut stream) {
        Ok(response) => Outcome::Answered(response),
        Err(error) => Outcome::Broken(written.err().unwrap_or(error)),
    }
}

/// A connection with time-outs set.
///
/// # Errors
/// When nobody accepts it.
pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads one response that is complete by its own head: `content-length`, chunks, or the end of the connection.
///
/// # Errors
/// When it is cut short, or is no HTTP.
pub fn read_response(stream: &mut impl Read) -> io::Result<Response> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            break end;
        }
        if !read_more(stream, &mut bytes)? {
            return Err(cut_short(&format!("the connection ended after {} bytes of the head", bytes.len())));
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.1 ").or_else(|| line.strip_prefix("HTTP/1.0 ")))
        .and_then(|line| line.get(..3)?.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no status line"))?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let value = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let mut rest = bytes.split_off(head_end + 4);
    let body = if let Some(length) = value("content-length").and_then(|length| length.parse::<usize>().ok()) {
        while rest.len() < length {
            if !read_more(stream, &mut rest)? {
                return Err(cut_short(&format!("{} of {length} bytes of the body", rest.len())));
            }
        }
        rest.truncate(length);
        rest
    } else if value("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        while find(&rest, b"\r\n0\r\n\r\n").is_none() && !rest.starts_with(b"0\r\n\r\n") {
            if !read_more(stream, &mut rest)? {
                return Err(cut_short("the last chunk never came"));
            }
        }
        unchunk(&rest)?
    } else {
        while read_more(stream, &mut rest)? {}
        rest
    };
    Ok(Response { status, headers, body })
}

fn read_more(stream: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 16 * 1024];
    let read = stream.read(&mut buffer)?;
    bytes.extend_from_slice(&buffer[..read]);
    Ok(read > 0)
}

fn unchunk(mut bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = find(bytes, b"\r\n").ok_or_else(|| cut_short("a chunk's size"))?;
        let size = std::str::from_utf8(&bytes[..line])
            .ok()
            .and_then(|size| usize::from_str_radix(size.split(';').next().unwrap_or(size).trim(), 16).ok())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no chunk size"))?;
        if size == 0 {
            return Ok(body);
        }
        let chunk = bytes.get(line + 2..line + 2 + size).ok_or_else(|| cut_short("a chunk"))?;
        body.extend_from_slice(chunk);
        bytes = bytes.get(line + 2 + size + 2..).ok_or_else(|| cut_short("a chunk"))?;
    }
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

fn cut_short(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, what)
}

#[cfg(test)]
mod tests {
    use super::{Response, read_response};

    fn read(text: &str) -> std::io::Result<Response> {
        read_response(&mut text.as_bytes())
    }

    #[test]
    fn a_complete_response_is_read_by_length_and_by_chunks() {
        let by_length = read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").expect("complete");
        assert_eq!((by_length.status, by_length.text().as_str()), (200, "ok"));
        let by_chunks = read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n!\r\n0\r\n\r\n")
            .expect("complete");
        assert_eq!(by_chunks.text(), "ok!");
    }

    #[test]
    fn a_response_that_is_cut_short_is_none() {
        assert!(read("HTTP/1.1 200 OK\r\nContent-Le").is_err());
        assert!(read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok").is_err());
        assert!(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n").is_err());
        assert!(read("").is_err());
    }
}
