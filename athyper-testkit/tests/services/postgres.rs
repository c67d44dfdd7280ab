//! PostgreSQL servers: killed, frozen, started again.

use std::time::Duration;

use athyper_testkit::services::PostgresServer;

#[test]
fn what_was_committed_is_there_after_a_kill() {
    let server = PostgresServer::start();
    let url = server.fresh_database();
    server.ask(&url, "CREATE TABLE notes (text TEXT)");
    server.ask(&url, "INSERT INTO notes VALUES ('kept')");
    server.kill();
    server.try_ask(&url, "SELECT 1").unwrap_err();
    server.restart();
    assert_eq!(server.ask(&url, "SELECT text FROM notes"), "kept");
}

#[test]
fn a_frozen_server_answers_once_it_is_thawed() {
    let server = PostgresServer::start();
    let url = server.url();
    server.freeze();
    let (sender, answer) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| sender.send(server.ask(&url, "SELECT 1")).unwrap());
        answer.recv_timeout(Duration::from_millis(100)).unwrap_err();
        server.thaw();
        assert_eq!(answer.recv_timeout(Duration::from_secs(30)).unwrap(), "1");
    });
}

#[test]
fn settings_are_taken_over_and_databases_are_separate() {
    let server = PostgresServer::start_with(&[("max_connections", "21")]);
    assert_eq!(server.ask(&server.url(), "SHOW max_connections"), "21");
    let (one, other) = (server.fresh_database(), server.fresh_database());
    server.ask(&one, "CREATE TABLE notes (text TEXT)");
    server.try_ask(&other, "SELECT * FROM notes").unwrap_err();
}
