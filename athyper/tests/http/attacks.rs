//! Attacks over real sockets, against the whole stack.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use athyper::clock::SystemClock;
use athyper::http::middleware::{MiddlewareStack, StackOptions};
use athyper::http::{HttpServer, Json, ServerOptions};
use athyper::metrics::MetricsRegistry;
use axum::Router;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::log::Capture;
use crate::support::{Running, eventually, local, registry, serve, within};

/// The whole stack without a limit of rates, and how often a handler ran.
async fn product(options: ServerOptions) -> (Running, MetricsRegistry, Arc<AtomicUsize>) {
    let registry = registry();
    let handled = Arc::new(AtomicUsize::new(0));
    let count = |handled: &Arc<AtomicUsize>| {
        let handled = Arc::clone(handled);
        move || handled.fetch_add(1, Ordering::SeqCst)
    };
    let (hello, echo, any) = (count(&handled), count(&handled), count(&handled));
    let router = Router::new()
        .route(
            "/",
            get(async move || {
                hello();
                "hello"
            })
            .post(async move |body: String| {
                any();
                body
            }),
        )
        .route(
            "/json",
            post(async move |Json(value): Json<serde_json::Value>| {
                echo();
                Json(value)
            }),
        )
        .route("/large", get(async || "a".repeat(64 * 1024 * 1024)))
        .route("/panic", get(async || -> &str { panic!("on purpose") }));
    let mut stack = StackOptions::new(Arc::new(SystemClock::new()), registry.clone());
    stack.rate_limit = None;
    let service = MiddlewareStack::standard(stack).unwrap().apply(router);
    let server = HttpServer::bind(options).await.unwrap().with_metrics(&registry).unwrap();
    (serve(server, service), registry, handled)
}

#[tokio::test]
async fn garbage_is_answered_with_problems() {
    let (server, _, handled) = product(local()).await;
    let json = |body: &str| {
        let length = body.len();
        format!(
            "POST /json HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    let mut client = server.connect().await;
    for (body, status) in [
        ("{garbage".to_owned(), 400),
        ("[".repeat(10_000), 400),
        (r#"{"__proto__":1}"#.to_owned(), 400),
        ("\u{0}\u{1}".to_owned(), 400),
        ("[1]".to_owned(), 200),
    ] {
        client.send(json(&body)).await;
        assert_eq!(client.answer().await.unwrap().status, status, "{body:.20}");
    }
    assert_eq!(handled.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_body_of_100_mb_is_refused_before_it_is_read() {
    let (server, _, handled) = product(local()).await;
    const LENGTH: usize = 100 * 1024 * 1024;
    for chunked in [false, true] {
        let mut client = server.connect().await;
        let framing =
            if chunked { "Transfer-Encoding: chunked".to_owned() } else { format!("Content-Length: {LENGTH}") };
        client.send(format!("POST / HTTP/1.1\r\nHost: t\r\n{framing}\r\n\r\n")).await;
        let (mut read, mut write) = client.stream.into_split();
        let sending = tokio::spawn(async move {
            let piece = vec![b'a'; 1024 * 1024];
            for _ in 0..100 {
                if chunked && write.write_all(b"100000\r\n").await.is_err() {
                    break;
                }
                if write.write_all(&piece).await.is_err() || (chunked && write.write_all(b"\r\n").await.is_err()) {
                    break;
                }
            }
        });
        let mut answer = Vec::new();
        within(read.read_to_end(&mut answer)).await.expect("the answer must not be lost to a reset");
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("body-too-large"), "{answer}");
        within(sending).await.unwrap();
    }
    assert_eq!(handled.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_expected_body_that_is_too_large_is_not_asked_for() {
    let (server, ..) = product(local()).await;
    let mut client = server.connect().await;
    client.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n").await;
    assert_eq!(client.answer().await.unwrap().status, 413);
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let (server, registry, handled) = product(local()).await;
    for (head, status, code) in [
        (format!("GET / HTTP/1.1\r\nHost: t\r\nX-Large: {}\r\n\r\n", "a".repeat(40_000)), 431, "headers-too-large"),
        (format!("GET /{} HTTP/1.1\r\nHost: t\r\n\r\n", "a".repeat(9_000)), 414, "uri-too-long"),
        // Beyond the server's own limit there is no document.
        (format!("GET / HTTP/1.1\r\nHost: t\r\nX-Large: {}\r\n\r\n", "a".repeat(1024 * 1024)), 431, ""),
        (format!("GET / HTTP/1.1\r\nHost: t\r\n{}\r\n", "X-Many: a\r\n".repeat(101)), 431, ""),
    ] {
        let mut client = server.connect().await;
        let _ = client.stream.write_all(head.as_bytes()).await;
        if let Some(answer) = client.answer().await {
            assert_eq!((answer.status, answer.body.contains(code)), (status, true), "{answer:?}");
        } else {
            assert_eq!(code, "", "only a head that is far too large may be cut");
        }
    }
    assert_eq!(handled.load(Ordering::SeqCst), 0);
    eventually(async || {
        registry.to_prometheus().contains("http_connections_broken_total{reason=\"head_too_large\"} 2")
    })
    .await;
}

/// What hyper refuses never becomes a request: it is counted and logged all the same, once, as the client saw it.
#[tokio::test]
async fn heads_that_never_become_a_request_are_counted_and_logged() {
    let mut options = local();
    options.max_head_bytes = 128 * 1024;
    let (server, registry, handled) = product(options).await;
    let capture = Capture::begin();
    for (head, status) in [
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost t\r\n\r\n".to_owned(), 400),
        (format!("GET / HTTP/1.1\r\nHost: t\r\n{}\r\n", "X-Many: a\r\n".repeat(101)), 431),
        (format!("GET /{} HTTP/1.1\r\nHost: t\r\n\r\n", "a".repeat(70_000)), 414),
        // Behind a request of the same connection that was answered otherwise.
        ("GET /nothing HTTP/1.1\r\nHost: t\r\n\r\nGET\r\n\r\n".to_owned(), 404),
    ] {
        let mut client = server.connect().await;
        client.send(head).await;
        assert_eq!(client.answer().await.map(|answer| answer.status), Some(status));
        client.closed().await;
    }
    // A client that leaves in the middle of a head was answered nothing.
    server.connect().await.send("GET / HT").await;
    let count = |method: &str, status: u16| {
        format!("http_requests_total{{method=\"{method}\",route=\"none\",status=\"{status}\"}} ")
    };
    let expected =
        [count("OTHER", 400) + "3", count("OTHER", 431) + "1", count("OTHER", 414) + "1", count("GET", 404) + "1"];
    eventually(async || {
        let text = registry.to_prometheus();
        text.contains("http_connections{} 0") || text.contains("http_connections 0")
    })
    .await;
    let text = registry.to_prometheus();
    for line in expected {
        assert!(text.contains(&line), "{line} is missing in\n{text}");
    }
    assert_eq!(text.matches("http_requests_total{").count(), 4, "{text}");
    let lines = capture.requests();
    let mut statuses: Vec<&str> = lines.iter().map(|line| line["status"].as_str()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, ["400", "400", "400", "404", "414", "431"], "{lines:?}");
    assert!(lines.iter().all(|line| line["client"] == "127.0.0.1"), "{lines:?}");
    assert_eq!(handled.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_body_that_stops_is_given_up() {
    let mut options = local();
    options.body_pause_timeout = Duration::from_millis(200);
    let (server, ..) = product(options).await;
    for path in ["/", "/json"] {
        let mut client = server.connect().await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[1,"
        );
        client.send(head).await;
        let answer = client.answer().await.unwrap();
        assert!(answer.status == 408 || (path == "/" && answer.status == 400), "{answer:?}");
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_gone_client_forgotten() {
    let mut options = local();
    options.idle_timeout = Duration::from_millis(300);
    options.header_timeout = Duration::from_millis(100);
    let (server, registry, _) = product(options).await;
    let mut client = server.connect().await;
    assert_eq!(client.get("/").await.status, 200);
    client.closed().await;
    for beginning in ["GET / HT", "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nabc"] {
        let mut client = server.connect().await;
        client.send(beginning).await;
        drop(client);
    }
    eventually(async || registry.to_prometheus().contains("http_connections_accepted_total 3")).await;
    eventually(async || registry.to_prometheus().contains("\nhttp_connections 0\n")).await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_the_response_is_cut() {
    let mut options = local();
    options.write_pause_timeout = Duration::from_millis(300);
    let (server, registry, _) = product(options).await;
    let mut client = server.connect().await;
    client.send("GET /large HTTP/1.1\r\nHost: t\r\n\r\n").await;
    eventually(async || registry.to_prometheus().contains("http_connections_broken_total{reason=\"timeout\"} 1")).await;
    eventually(async || registry.to_prometheus().contains("\nhttp_connections 0\n")).await;
    drop(client);
}

#[tokio::test]
async fn beyond_the_cap_connections_wait_their_turn() {
    let mut options = local();
    options.max_connections = 2;
    let (server, ..) = product(options).await;
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    assert_eq!((first.get("/").await.status, second.get("/").await.status), (200, 200));
    let mut third = server.connect().await;
    third.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n").await;
    let early = tokio::time::timeout(Duration::from_millis(200), third.stream.readable()).await;
    assert!(early.is_err(), "it must wait");
    drop(first);
    assert_eq!(third.answer().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_panic_costs_one_request_and_not_the_connection() {
    let (server, ..) = product(local()).await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        let answer = client.get("/panic").await;
        assert!(
            answer.status == 500 && answer.body.contains("\"panic\"") && !answer.body.contains("purpose"),
            "{answer:?}"
        );
    }
    assert_eq!(client.get("/").await.status, 200);
}

#[tokio::test]
async fn ids_cannot_split_a_response() {
    let (server, ..) = product(local()).await;
    for id in ["a%0d%0aSet-Cookie: x=1", "a\tb", "\u{e9}", &"a".repeat(129), "<script>"] {
        let mut client = server.connect().await;
        client.send(format!("GET / HTTP/1.1\r\nHost: t\r\nX-Request-ID: {id}\r\n\r\n")).await;
        let answer = client.answer().await.unwrap();
        assert_eq!((answer.status, answer.header("set-cookie")), (200, None));
        let own = answer.header("x-request-id").unwrap();
        assert!(own.len() == 32 && own.bytes().all(|byte| byte.is_ascii_hexdigit()), "{own}");
    }
}

#[tokio::test]
async fn no_second_request_can_be_smuggled_in() {
    const INNER: &str = "GET / HTTP/1.1\r\nHost: t\r\n\r\n";
    let length = INNER.len();
    let cases = [
        format!("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{INNER}"),
        format!("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 0, {length}\r\n\r\n{INNER}"),
        format!("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: +{length}\r\n\r\n{INNER}"),
        format!("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: -1\r\n\r\n{INNER}"),
        format!("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 0x{length:x}\r\n\r\n{INNER}"),
        format!("POST / HTTP/1.1\r\nHost: t\r\nContent-Length : {length}\r\n\r\n{INNER}"),
        format!("POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: xchunked\r\n\r\n{INNER}"),
        format!("POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked, identity\r\n\r\n{INNER}"),
        format!("POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding : chunked\r\n\r\n{INNER}"),
        format!("POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding:\r\n chunked\r\n\r\n{INNER}"),
        format!("POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n{INNER}"),
        format!("POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n{INNER}"),
        format!("POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{INNER}"),
        format!("GET / HTTP/1.1\r\nHost: t\r\nX: a\rGET / HTTP/1.1\r\n\r\n{INNER}"),
        format!("GET / HTTP/1.1\r\nHost: t\r\n X-Fold: b\r\n\r\n{INNER}"),
        format!("GET / HTTP/1.1\r\nHost: t\r\n\0X: b\r\n\r\n{INNER}"),
    ];
    for case in cases {
        let (server, _, handled) = product(local()).await;
        let mut client = server.connect().await;
        client.send(&case).await;
        client.stream.shutdown().await.unwrap();
        while client.answer().await.is_some() {}
        assert!(handled.load(Ordering::SeqCst) <= 1, "smuggled by {case:?}");
    }
    // With both framings the chunks count, and the connection is of no further use (RFC 9112, section 6.1).
    let (server, _, handled) = product(local()).await;
    let mut client = server.connect().await;
    let both = format!(
        "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{INNER}"
    );
    client.send(both).await;
    let first = client.answer().await.unwrap();
    assert!(first.status == 200 || first.status == 400, "{first:?}");
    assert!(client.answer().await.is_none());
    assert!(handled.load(Ordering::SeqCst) <= 1);
}

/// One HTTP/2 frame.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// `GET http://t/` by the static table.
const GET_ROOT: &[u8] = &[0x82, 0x86, 0x84, 0x41, 0x01, b't'];

async fn http2(server: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&frame(4, 0, 0, &[])).await.unwrap();
    stream
}

#[tokio::test]
async fn rapid_resets_end_the_connection() {
    let (server, ..) = product(local()).await;
    let mut stream = http2(&server).await;
    let (mut read, mut write) = stream.split();
    let attack = async {
        for number in 0..20_000_u32 {
            let id = 2 * number + 1;
            let bytes = [frame(1, 5, id, GET_ROOT), frame(3, 0, id, &8_u32.to_be_bytes())].concat();
            if write.write_all(&bytes).await.is_err() {
                return number;
            }
        }
        20_000
    };
    let mut answer = Vec::new();
    let listen = async { read.read_to_end(&mut answer).await.unwrap_or_default() };
    let (sent, _) = within(async { tokio::join!(attack, listen) }).await;
    // The last thing said is GOAWAY with ENHANCE_YOUR_CALM (0xb).
    let goaway = answer.windows(17).any(|bytes| bytes[3] == 7 && bytes[13..17] == [0, 0, 0, 0xb]);
    assert!(goaway || sent < 20_000, "sent {sent}, answer {answer:?}");
    assert_eq!(server.connect().await.get("/").await.status, 200, "others are served");
}

#[tokio::test]
async fn endless_continuations_end_the_connection() {
    let (server, ..) = product(local()).await;
    let mut stream = http2(&server).await;
    let (mut read, mut write) = stream.split();
    let attack = async {
        let _ = write.write_all(&frame(1, 0, 1, GET_ROOT)).await;
        // A literal field without indexing, of 1,000 bytes.
        let field = [&[0x00, 0x01, b'x', 0x7f, 0xe9, 0x06][..], &[b'a'; 1_000]].concat();
        for _ in 0..100_000 {
            if write.write_all(&frame(9, 0, 1, &field)).await.is_err() {
                return;
            }
        }
        panic!("100 MB of header were taken");
    };
    let mut answer = Vec::new();
    within(async { tokio::join!(attack, async { read.read_to_end(&mut answer).await.unwrap_or_default() }) }).await;
}

#[tokio::test]
async fn a_preface_without_anything_after_it_is_given_up() {
    let mut options = local();
    options.http2.keep_alive_interval = Duration::from_millis(100);
    options.http2.keep_alive_timeout = Duration::from_millis(100);
    let (server, ..) = product(options).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = within(stream.read_to_end(&mut answer)).await;
}
