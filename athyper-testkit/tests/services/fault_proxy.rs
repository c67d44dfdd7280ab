//! What goes wrong on the way, goes wrong as it was asked for.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use athyper_testkit::services::{Fault, FaultProxy};

/// A server that answers each byte with itself.
fn echo() -> FaultProxy {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(std::io::Result::ok) {
            thread::spawn(move || {
                let mut byte = [0];
                while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
            });
        }
    });
    FaultProxy::start(address)
}

fn connect(proxy: &FaultProxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

/// Whether a byte comes back.
fn answers(stream: &mut TcpStream, byte: u8) -> std::io::Result<bool> {
    stream.write_all(&[byte])?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    Ok(answer == [byte])
}

#[test]
fn everything_passes() {
    let proxy = echo();
    let mut stream = connect(&proxy);
    for fault in [Fault::None, Fault::Latency(Duration::from_millis(1)), Fault::Slice(1)] {
        proxy.set(fault);
        assert!(answers(&mut stream, 7).unwrap(), "{fault:?}");
    }
}

#[test]
fn a_black_hole_keeps_what_was_sent_until_its_end() {
    let proxy = echo();
    let mut stream = connect(&proxy);
    assert!(answers(&mut stream, 1).unwrap());
    proxy.set(Fault::BlackHole);
    stream.write_all(&[2]).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let mut answer = [0];
    assert!(matches!(stream.read(&mut answer).unwrap_err().kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    // A new connection is made, and hears nothing either.
    let mut late = connect(&proxy);
    late.write_all(&[3]).unwrap();
    proxy.set(Fault::None);
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    for (stream, wanted) in [(&mut stream, 2), (&mut late, 3)] {
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [wanted]);
    }
}

#[test]
fn connections_are_reset_and_new_ones_work() {
    let proxy = echo();
    let mut stream = connect(&proxy);
    assert!(answers(&mut stream, 1).unwrap());
    proxy.reset();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(answers(&mut connect(&proxy), 3).unwrap());
}

#[test]
fn a_half_closed_connection_brings_no_answers() {
    let proxy = echo();
    let mut stream = connect(&proxy);
    assert!(answers(&mut stream, 1).unwrap());
    proxy.half_close();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn connections_are_refused_until_they_are_not() {
    let proxy = echo();
    proxy.set(Fault::Refuse);
    let refused = TcpStream::connect(proxy.address()).is_ok_and(|mut stream| answers(&mut stream, 1).unwrap_or(false));
    assert!(!refused);
    proxy.set(Fault::None);
    assert!(answers(&mut connect(&proxy), 2).unwrap());
}

#[test]
fn one_of_so_many_answers_is_lost_with_its_connection() {
    let proxy = echo();
    proxy.set(Fault::LoseAnswers { one_of: 3 });
    let mut stream = connect(&proxy);
    assert!(answers(&mut stream, 1).unwrap() && answers(&mut stream, 2).unwrap());
    assert!(answers(&mut stream, 3).is_err());
    assert!(answers(&mut connect(&proxy), 4).unwrap());
}
