//! Bad input to every endpoint, variable and file: a clear error each, nothing lost, nothing hung.
#![allow(clippy::disallowed_methods, reason = "drills watch real processes in real time")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use drills::client::{self, read_response};
use drills::process::Running;
use drills::product::Product;
use drills::store::Store;
use drills::wait;

const PATIENCE: Duration = Duration::from_secs(30);

/// The product still serves.
#[track_caller]
fn assert_serves(running: &Running) {
    assert_eq!(running.get("/users").status, 200);
}

/// What a user is told when the product does not start.
#[track_caller]
fn refused(product: &Product) -> String {
    refused_with(product, &[])
}

#[track_caller]
fn refused_with(product: &Product, more: &[(String, String)]) -> String {
    let mut running = product.spawn(more);
    let status = running.await_end(PATIENCE);
    let said = running.output();
    assert!(status.code().is_some_and(|code| code != 0 && code != 101), "{status}\n{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(said.contains("ATH-"), "no code to look up: {said}");
    said
}

#[test]
fn requests() {
    let product = Product::quickstart();
    let running = product.start();
    let http = running.http;
    let long = "x".repeat(1 << 20);

    for garbage in ["", "{", "nonsense", "[1,2", r#"{"email":}"#, "\u{0}", r#"{"email":"a@example.org"}}"#] {
        let response = running.post("/users", garbage);
        assert!(matches!(response.status, 400 | 422), "{garbage:?}: {} {}", response.status, response.text());
        assert_eq!(response.header("content-type"), Some("application/problem+json"), "{garbage:?}");
    }
    for wrong in [r#"{"email":1}"#, r#"{"email":"nonsense"}"#, "{}", "null", "[]"] {
        let response = running.post("/users", wrong);
        assert!(matches!(response.status, 400 | 422), "{wrong}: {} {}", response.status, response.text());
    }
    let nested = format!(r#"{{"email":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    assert!(matches!(running.post("/users", &nested).status, 400 | 422));
    for pollution in [r#""__proto__":{"x":1}"#, r#""constructor":{"prototype":{"x":1}}"#, r#""__pr\u006fto__":{}"#] {
        let response = running.post("/users", &format!(r#"{{"email":"a@example.org",{pollution}}}"#));
        assert!(matches!(response.status, 400 | 422), "{pollution}: {}", response.status);
    }

    // 100 MB, announced and sent; and without a length, in chunks. Refused long before the end.
    let head = "POST /users HTTP/1.1\r\nhost: drill\r\nconnection: close\r\ncontent-type: application/json\r\n";
    let announced = format!("{head}content-length: 104857600\r\n\r\n");
    assert_eq!(flood(&running, &announced, long.as_bytes(), 100), Some(413));
    let chunk = format!("100000\r\n{long}\r\n");
    assert_eq!(flood(&running, &format!("{head}transfer-encoding: chunked\r\n\r\n"), chunk.as_bytes(), 100), Some(413));

    let header = client::send(http, format!("GET /users HTTP/1.1\r\nhost: drill\r\nx-long: {long}\r\n\r\n").as_bytes());
    assert!(matches!(header.status(), Some(431)), "{header:?}");
    let address = client::send(http, format!("GET /{long} HTTP/1.1\r\nhost: drill\r\n\r\n").as_bytes());
    assert!(matches!(address.status(), Some(414 | 431)), "{address:?}");
    assert_eq!(client::send(http, b"NONSENSE\r\n\r\n").status(), Some(400));
    assert_eq!(running.get("/nowhere").status, 404);
    assert_eq!(running.get("/users/%00").status / 100, 4);
    let method = client::send(http, b"DELETE /users HTTP/1.1\r\nhost: drill\r\nconnection: close\r\n\r\n");
    assert_eq!(method.status(), Some(405));
    let kind = client::send(
        http,
        b"POST /users HTTP/1.1\r\nhost: drill\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\n{}",
    );
    assert_eq!(kind.status(), Some(415));

    assert_serves(&running);
    assert_eq!(running.get("/users").json(), serde_json::json!([]), "none of it stored anything");
    assert_eq!(running.post("/users", r#"{"email":"a@example.org"}"#).status, 201);
}

/// Sends a head and the same block again and again, and answers the status that comes back.
fn flood(running: &Running, head: &str, block: &[u8], times: usize) -> Option<u16> {
    let mut stream = client::connect(running.http).expect("it listens");
    stream.write_all(head.as_bytes()).expect("the head is accepted");
    for _ in 0..times {
        if stream.write_all(block).is_err() {
            break;
        }
    }
    read_response(&mut stream).ok().map(|response| response.status)
}

#[test]
fn slow_headers_end_and_others_are_served_meanwhile() {
    let product = Product::quickstart().with("ATHYPER__HTTP__HEADER_TIMEOUT", "1s");
    let running = product.start();
    let mut slow: Vec<_> = (0..50).map(|_| client::connect(running.http).expect("it listens")).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /users HTTP/1.1\r\nhost: dr").expect("a slow head begins");
    }
    assert_serves(&running);
    let begin = Instant::now();
    for stream in &mut slow {
        let mut rest = Vec::new();
        // Closed, or told 408 and closed: either way the server does not wait for ever.
        let _ended = stream.read_to_end(&mut rest);
    }
    assert!(begin.elapsed() < Duration::from_secs(10), "slow heads were held for {:?}", begin.elapsed());
    assert_serves(&running);
}

#[test]
fn variables() {
    for (name, value, says) in [
        ("PORT", "abc", "PORT"),
        ("PORT", "99999", "PORT"),
        ("MODE", "wroker", "worker"),
        ("DATABASE_URL", "nonsense", "DATABASE_URL"),
        ("DATABASE_URL", "sqlight://data/athyper.db", "sqlite"),
        ("ATHYPER__HTTP__PROT", "1", "PORT"),
        ("ATHYPER__JOBS__LOCK", "a while", "ATHYPER__JOBS__LOCK"),
        ("RUST_LOG", "info,,=/=", "RUST_LOG"),
        ("ATHYPER_PROFILE", "production", "prod"),
    ] {
        let said = refused_with(&Product::quickstart(), &[(name.to_owned(), value.to_owned())]);
        assert!(said.contains(says), "{name}={value} should mention `{says}`: {said}");
    }
}

#[test]
fn a_file_that_is_no_configuration() {
    let product = Product::quickstart();
    fs::write(product.folder().join("athyper.toml"), "[http\nport = 1").expect("the folder is writable");
    let said = refused(&product);
    assert!(said.contains("athyper.toml:1"), "{said}");
}

#[test]
fn a_port_that_is_taken() {
    let product = Product::quickstart();
    let taken = std::net::TcpListener::bind("0.0.0.0:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let said = refused_with(&product, &[("PORT".to_owned(), port.clone())]);
    assert!(said.contains(&port), "{said}");
}

#[test]
fn a_data_folder_that_cannot_be_written() {
    let product = Product::quickstart();
    // Root may write everywhere; where a file is in the way, nobody can make the folder.
    let data = product.folder().join("data");
    fs::write(&data, "").expect("the folder is writable");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o444)).expect("its owner");
    let said = refused(&product);
    assert!(said.contains("data"), "{said}");
}

#[test]
fn a_database_that_is_none() {
    let product = Product::quickstart();
    let database = product.database();
    fs::create_dir_all(database.parent().expect("a folder")).expect("the folder is writable");
    fs::write(&database, "this is no database, it is a letter to somebody. ".repeat(1_000)).expect("writable");
    let said = refused(&product);
    assert!(said.contains("athyper.db"), "{said}");
    let kept = fs::read_to_string(&database).expect("still there");
    assert!(kept.starts_with("this is no database"), "the file was overwritten");
}

#[test]
fn a_database_that_is_damaged() {
    let product = Product::quickstart();
    let mut running = product.start();
    assert_eq!(running.post("/users", r#"{"email":"a@example.org"}"#).status, 201);
    running.terminate().expect("a running process can be told to stop");
    assert_eq!(running.await_end(PATIENCE).code(), Some(0), "{}", running.output());
    let database = product.database();
    let mut bytes = fs::read(&database).expect("the database");
    let end = bytes.len().min(64 * 1024);
    bytes[100..end].fill(0xA5);
    fs::write(&database, bytes).expect("writable");
    let said = refused(&product);
    assert!(said.contains("athyper.db"), "{said}");
}

/// A full disk: the limit on the size of files a process may write gives the writer the same refusals, logs included, and can
/// be lifted again.
#[test]
fn a_disk_that_is_full() {
    let product = Product::quickstart();
    let mut patient = Command::new("bash");
    // The signal that comes with the limit would end the process; a full disk sends none.
    patient.args(["-c", "trap '' XFSZ; exec \"$0\""]).arg(product.binary()).current_dir(product.folder());
    let mut running = product.spawn_command(patient, &[]);
    running.await_ready();
    let mut accepted = Vec::new();
    let mut sign_up = |running: &Running, number: usize| {
        let email = format!("user-{number}@example.org");
        let response = running.post("/users", &format!(r#"{{"email":"{email}"}}"#));
        if response.status == 201 {
            accepted.push(email);
        }
        response
    };
    for number in 0..20 {
        assert_eq!(sign_up(&running, number).status, 201);
    }

    running.limit_files(Some(0)).expect("a child's limits can be set");
    for number in 20..40 {
        let refusal = sign_up(&running, number);
        assert!(matches!(refusal.status, 500 | 503 | 507), "{} {}", refusal.status, refusal.text());
        assert_eq!(refusal.header("content-type"), Some("application/problem+json"));
    }
    assert_eq!(client::get(running.management, "/livez").status(), Some(200), "it lives");
    assert!(running.ended().is_none());

    running.limit_files(None).expect("a child's limits can be set");
    let mut number = 40;
    wait::until("it accepts again", PATIENCE, || {
        number += 1;
        (sign_up(&running, number).status == 201).then_some(())
    });
    wait::until("every accepted job has its effect", PATIENCE, || {
        let mut store = Store::open(&product.database()).expect("the database");
        let mails = store.column("SELECT recipient FROM mails").expect("mails");
        accepted.iter().all(|email| mails.contains(email)).then_some(())
    });
    let mut store = Store::open(&product.database()).expect("the database");
    let users = store.column("SELECT email FROM users").expect("users");
    assert!(accepted.iter().all(|email| users.contains(email)), "an accepted sign-up is lost");
    assert_serves(&running);
}
