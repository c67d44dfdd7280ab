//! Servers that are reached by TLS, with a certificate that nobody but the test knows.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use athyper::ErrorKind;
use athyper::clock::SystemClock;
use athyper::jobs::Verdict;
use athyper_testkit::services::{RedisCluster, RedisSentinel, RedisServer};
use tempfile::TempDir;

use crate::support::{add, done, ids, jobs, jobs_with, outcome_of, take_now};

/// A certificate for this machine, which is its own authority.
struct Certificate {
    _folder: TempDir,
    file: PathBuf,
    key: PathBuf,
}

impl Certificate {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (file, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
        fs::write(&file, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        Self { _folder: folder, file, key }
    }

    fn settings(&self) -> [(&'static str, &str); 4] {
        let file = self.file.to_str().unwrap();
        [
            ("tls-cert-file", file),
            ("tls-key-file", self.key.to_str().unwrap()),
            ("tls-ca-cert-file", file),
            ("tls-auth-clients", "no"),
        ]
    }

    fn on(&self, url: &str) -> String {
        format!("{url}?authority={}", self.file.display())
    }
}

async fn runs_a_job(url: &str) {
    let jobs = jobs(url).await;
    add(&jobs, &["a"]).await;
    let claimed = take_now(&jobs, 1).await;
    assert_eq!(ids(&claimed), ["a"]);
    let finished = jobs.finish(vec![outcome_of(&claimed[0], done())], None).await.unwrap();
    assert_eq!(finished.verdicts, [Verdict::Applied]);
}

fn url_of(server: &RedisServer) -> String {
    format!("rediss://{}", server.tls_address().unwrap())
}

#[tokio::test]
async fn a_single_server() {
    let certificate = Certificate::new();
    let server = RedisServer::start_with(&certificate.settings());
    runs_a_job(&certificate.on(&url_of(&server))).await;
}

#[tokio::test]
async fn a_server_that_cannot_be_trusted_is_not_talked_to() {
    let (certificate, other) = (Certificate::new(), Certificate::new());
    let server = RedisServer::start_with(&certificate.settings());
    for url in [other.on(&url_of(&server)), url_of(&server)] {
        let error = jobs_with(&url, Arc::new(SystemClock::new())).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "redis-unreachable"), "{url}: {error:?}");
        assert!(format!("{error:?}").contains("certificate"), "{error:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_missing_is_named() {
    let error = jobs_with("rediss://localhost?authority=/nowhere.pem", Arc::new(SystemClock::new())).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, "redis-url"), "{error:?}");
    assert!(error.to_string().contains("/nowhere.pem"), "{error}");
}

#[tokio::test]
async fn a_cluster() {
    let certificate = Certificate::new();
    let mut settings = certificate.settings().to_vec();
    settings.push(("tls-cluster", "yes"));
    let cluster = RedisCluster::start_with(&settings);
    runs_a_job(&certificate.on(&cluster.tls_url())).await;
}

#[tokio::test]
async fn sentinels_and_their_primary() {
    let certificate = Certificate::new();
    let mut settings = certificate.settings().to_vec();
    settings.push(("tls-replication", "yes"));
    let service = RedisSentinel::start_with(&settings);
    runs_a_job(&certificate.on(&service.tls_url())).await;
}
