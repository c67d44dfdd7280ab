//! The full middleware stack against the bare axum router, on the same server: requests a second as a ratio.
//!
//! The program starts itself as the server, bare and full in turn, and drives it over keep-alive connections from one thread; the
//! server has one thread, too, so that on two cores each has its own. The client never sleeps, so that the server is not charged for
//! waking it. Only responses with status 200 count. In the full server
//! everything is on: a rate limit above the load, CORS, a bearer token to check, metrics, and a log line for each request, written
//! to a file.
//!
//! `http_stack [SECONDS] [CONNECTIONS] [REPEATS]` compares; `http_stack layers` tells, without sockets, what each middleware of the
//! stack adds to a request; `http_stack requests bare|full COUNT` runs so many, for a profiler.
#![allow(clippy::disallowed_methods, reason = "a benchmark measures the machine's real time")]

use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use athyper::authentication::StaticTokenAuthenticator;
use athyper::clock::{Clock, SystemClock};
use athyper::container::{ContainerBuilder, Reach};
use athyper::context::Principal;
use athyper::http::middleware::{CorsOptions, MiddlewareStack, StackOptions};
use athyper::http::{HeaderValue, HttpServer, Json, Router, ServerOptions, Uri, get};
use athyper::metrics::MetricsRegistry;
use athyper::rate_limit::Quota;
use athyper::telemetry::{LineFormat, Log, LogOptions, LogTarget};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Serialize, Deserialize)]
struct User {
    id: u32,
    name: String,
    email: String,
}

async fn show() -> Json<User> {
    Json(User { id: 42, name: "Ada Lovelace".to_owned(), email: "ada@example.org".to_owned() })
}

async fn store(Json(user): Json<User>) -> Json<User> {
    Json(user)
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, rest @ ..] = arguments.as_slice()
        && mode == "serve"
    {
        return serve(rest.first().map(String::as_str) == Some("full"));
    }
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["layers"] => return layers(),
        ["requests", mode, count] => return requests(*mode == "full", count.parse()?),
        _ => {}
    }
    let number =
        |index: usize, default: u64| arguments.get(index).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (seconds, connections, repeats) = (number(0, 5), number(1, 64), number(2, 3));
    for request in [Request::Get, Request::Post] {
        println!("{} over {connections} connections, {seconds} s, {repeats} repeats", request.name());
        let mut ratios = Vec::new();
        let mut costs = Vec::new();
        for repeat in 1..=repeats {
            let bare = measure("bare", request, seconds, connections)?;
            let full = measure("full", request, seconds, connections)?;
            let (ratio, cost) = (full.per_second / bare.per_second, bare.cpu / full.cpu);
            println!(
                "  {repeat}: bare {:.0}/s ({:.2} µs CPU each), full {:.0}/s ({:.2} µs), ratio {:.1} % (by CPU {:.1} %)",
                bare.per_second,
                bare.cpu * 1e6,
                full.per_second,
                full.cpu * 1e6,
                ratio * 100.0,
                cost * 100.0
            );
            ratios.push(ratio);
            costs.push(cost);
        }
        println!("  median ratio {:.1} %, by CPU {:.1} %", median(ratios) * 100.0, median(costs) * 100.0);
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[derive(Clone, Copy)]
enum Request {
    Get,
    Post,
}

impl Request {
    fn name(self) -> &'static str {
        match self {
            Self::Get => "GET of a small JSON document",
            Self::Post => "POST and answer of a small JSON document",
        }
    }

    fn build(self) -> hyper::Request<Full<Bytes>> {
        const BODY: &[u8] = br#"{"id":42,"name":"Ada Lovelace","email":"ada@example.org"}"#;
        let builder =
            hyper::Request::builder().header("host", "localhost").header("authorization", "Bearer a-token-of-a-user");
        let request = match self {
            Self::Get => builder.method("GET").uri("/users/42").body(Full::new(Bytes::new())),
            Self::Post => builder
                .method("POST")
                .uri("/users/42")
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from_static(BODY))),
        };
        request.unwrap_or_else(|error| unreachable!("a constant request: {error}"))
    }
}

struct Measured {
    per_second: f64,
    /// Seconds of the server's CPU time for one request.
    cpu: f64,
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        let _ = std::fs::remove_file(log_path(self.0.id()));
    }
}

fn measure(mode: &str, request: Request, seconds: u64, connections: u64) -> Result<Measured, Failure> {
    let child = Command::new(std::env::current_exe()?).args(["serve", mode]).stdout(Stdio::piped()).spawn()?;
    let mut server = Server(child);
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    let address: SocketAddr = line.trim().parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let clients: Vec<_> = (0..connections)
            .map(|_| tokio::spawn(drive(address, request, Arc::clone(&stop), Arc::clone(&answered))))
            .collect();
        // To wake a sleeping client is work of the server's, and only a server that is slower than its client has it.
        let awake = tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (begin, cpu, count) = (Instant::now(), cpu_seconds(server.0.id())?, answered.load(Ordering::Relaxed));
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let requests = (answered.load(Ordering::Relaxed) - count) as f64;
        let measured = Measured {
            per_second: requests / begin.elapsed().as_secs_f64(),
            cpu: (cpu_seconds(server.0.id())? - cpu) / requests,
        };
        awake.abort();
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            client.await??;
        }
        Ok(measured)
    })
}

/// One connection that asks again as soon as it is answered.
async fn drive(
    address: SocketAddr,
    request: Request,
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
) -> Result<(), Failure> {
    let stream = tokio::net::TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    while !stop.load(Ordering::Relaxed) {
        sender.ready().await?;
        let response = sender.send_request(request.build()).await?;
        let status = response.status();
        response.into_body().collect().await?;
        if status != 200 {
            return Err(format!("status {status}").into());
        }
        answered.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// User and system time of a process so far.
fn cpu_seconds(process: u32) -> Result<f64, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).ok_or("no such field");
    // utime and stime are the fields 14 and 15; the two before the name are gone. A tick is 10 ms on every Linux.
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

/// Where a server of this process id logs.
fn log_path(process: u32) -> PathBuf {
    std::env::temp_dir().join(format!("http-stack-{process}.log"))
}

/// The log of a server, to a file.
fn log(clock: &Arc<dyn Clock>) -> Result<Log, Failure> {
    let options = LogOptions {
        filter: "info".to_owned(),
        format: LineFormat::Json,
        target: LogTarget::File(log_path(std::process::id())),
    };
    Ok(Log::install(&options, Arc::clone(clock))?)
}

/// Everything on.
fn options(clock: Arc<dyn Clock>) -> Result<StackOptions, Failure> {
    let metrics = MetricsRegistry::new(Arc::clone(&clock));
    let mut options = StackOptions::new(clock, metrics);
    options.rate_limit = Some(Quota { capacity: 100_000_000, period: Duration::from_secs(1) });
    options.cors = Some(CorsOptions::new(["https://shop.example.org"]));
    let known = StaticTokenAuthenticator::new().with_token("a-token-of-a-user", Principal::new("ada"));
    options.authenticator = Some(Arc::new(known));
    let container = ContainerBuilder::new().build(Reach::Everything).map_err(|problems| problems.to_string())?;
    options.container = Some(container);
    Ok(options)
}

fn full_router() -> axum::Router {
    Router::new().route("/users/{id}", get(show).post(store)).into()
}

fn bare_router() -> axum::Router {
    axum::Router::new().route("/users/{id}", axum::routing::get(show).post(store))
}

fn serve(is_full: bool) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let _log = log(&clock)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let server = HttpServer::bind(ServerOptions::default().listen_on(([127, 0, 0, 1], 0))).await?;
        println!("{}", server.local_addresses()[0]);
        let end = CancellationToken::new();
        if is_full {
            let stack = MiddlewareStack::standard(options(clock)?)?;
            server.serve(stack.apply(full_router()), end).await;
        } else {
            server.serve(bare_router(), end).await;
        }
        Ok(())
    })
}

async fn call<S>(mut service: S)
where
    S: tower::Service<axum::extract::Request, Response = axum::response::Response, Error = Infallible>,
{
    let mut request = axum::extract::Request::new(axum::body::Body::empty());
    *request.uri_mut() = Uri::from_static("/users/42");
    let token = HeaderValue::from_static("Bearer a-token-of-a-user");
    request.headers_mut().insert("authorization", token);
    request.headers_mut().insert("host", HeaderValue::from_static("localhost"));
    request.extensions_mut().insert(axum::extract::ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4711))));
    let Ok(response) = service.call(request).await;
    let _ = std::hint::black_box(response.into_body().collect().await);
}

/// The least time that one of many rounds took for a request, in nanoseconds.
async fn cost<S>(service: S) -> f64
where
    S: tower::Service<axum::extract::Request, Response = axum::response::Response, Error = Infallible> + Clone,
{
    const IN_ROUND: u32 = 200;
    let mut least = f64::INFINITY;
    for _ in 0..2_000 {
        let begin = Instant::now();
        for _ in 0..IN_ROUND {
            call(service.clone()).await;
        }
        least = least.min(begin.elapsed().as_secs_f64() * 1e9 / f64::from(IN_ROUND));
    }
    least
}

fn requests(is_full: bool, count: u32) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let _log = log(&clock)?;
    let full = MiddlewareStack::standard(options(clock)?)?.apply(full_router());
    let bare = bare_router();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        for _ in 0..count {
            if is_full {
                call(full.clone()).await;
            } else {
                call(bare.clone()).await;
            }
        }
    });
    Ok(())
}

fn layers() -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let _log = log(&clock)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let bare = cost(bare_router()).await;
        println!("{bare:>8.0} ns  the bare router");
        let mut before = cost(MiddlewareStack::empty().apply(full_router())).await;
        println!("{before:>8.0} ns  the router that remembers its routes ({:+.0})", before - bare);
        let whole = MiddlewareStack::standard(options(Arc::clone(&clock))?)?;
        let names: Vec<String> = whole.names().map(ToOwned::to_owned).collect();
        for count in 1..=names.len() {
            let mut stack = MiddlewareStack::standard(options(Arc::clone(&clock))?)?;
            for name in &names[count..] {
                stack = stack.without(name)?;
            }
            let now = cost(stack.apply(full_router())).await;
            println!("{now:>8.0} ns  with {} ({:+.0})", names[count - 1], now - before);
            before = now;
        }
        println!("{:>8.0} ns  added in all", before - bare);
        Ok(())
    })
}
