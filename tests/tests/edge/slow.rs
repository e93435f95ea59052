//! Clients that send or read slowly hold a connection, for as long as they may and no longer, and nobody up.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use switchyard_tests::{Host, Raw, Recorder, Setup, UpstreamReply};
use tokio::task::JoinSet;

/// How many of each kind.
const EACH: usize = 500;

const CONFIG: &str = "[gateway]\nheader-timeout = '3s'\nidle-timeout = '3s'\nrequest-timeout = '4s'\n";

/// Long beyond every limit of [`CONFIG`], on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

async fn start() -> (Recorder, Host) {
    let long = bytes::Bytes::from(
        [&b"HTTP/1.1 200 OK\r\ncontent-length: 16000000\r\n\r\n"[..], &vec![7; 16_000_000]].concat(),
    );
    let upstream = Recorder::listen(move |request| match request.target() {
        "/up/long" => UpstreamReply::Raw(long.clone()),
        _ => UpstreamReply::Echo,
    })
    .await;
    let route = "[[route]]\npath = '/up/*'\nservice = 'up'\n";
    let host = Setup::new().plugin("hello", "hello").config(&format!("{CONFIG}{}{route}", upstream.upstream("up")));
    (upstream, host.start().await)
}

/// Has a client served again and again, by a plugin and by the upstream, until all of these have ended.
async fn others_are_served_while(host: &Host, mut slow: JoinSet<()>) {
    let (mut client, mut served) = (host.client().await, 0);
    let since = Instant::now();
    while !slow.is_empty() {
        assert!(since.elapsed() < PATIENCE, "{} slow connections are still open", slow.len());
        for path in ["/hello/", "/up/x"] {
            let answer = client.get(path).await;
            let answer = answer.unwrap_or_else(|error| panic!("{path}: {error}\n{}", host.log()));
            assert_eq!(answer.status, 200, "{path}: {}\n{}", answer.text(), host.log());
        }
        // A new connection is taken, too.
        let answer = host.get("/hello/").await;
        assert_eq!(answer.status, 200, "{}\n{}", answer.text(), host.log());
        served += 1;
        while let Some(ended) = slow.try_join_next() {
            ended.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(served > 10, "only {served} requests were served meanwhile");
}

/// Sends a part now and then until the host closes.
async fn trickle(host: SocketAddr, first: String, then: &'static str) {
    let mut raw = Raw::connect(host).await;
    raw.send(first).await;
    let mut ticks = tokio::time::interval(Duration::from_millis(500));
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        ticks.tick().await;
        raw.send(then).await;
        if raw.is_closed() {
            return;
        }
    }
    panic!("a connection that trickles stays open");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_heads_end_in_time_and_hold_nobody_up() {
    let (_upstream, host) = start().await;
    let mut slow = JoinSet::new();
    for n in 0..EACH {
        // Some say nothing, some stop in the middle, some send a byte now and then.
        match n % 3 {
            0 => slow.spawn(silent(host.gateway, String::new())),
            1 => slow.spawn(silent(host.gateway, "GET /hello/ HTTP/1.1\r\nHost: gateway.t".to_owned())),
            _ => slow.spawn(trickle(host.gateway, "GET /hello/ HTTP/1.1\r\n".to_owned(), "X: y\r\n")),
        };
    }
    others_are_served_while(&host, slow).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_bodies_end_in_time_and_hold_nobody_up() {
    let (upstream, host) = start().await;
    let post = |path: &str, body: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 100000\r\n\r\n{body}")
    };
    let mut slow = JoinSet::new();
    for n in 0..EACH {
        match n % 3 {
            0 => slow.spawn(silent(host.gateway, post("/hello/", "a part"))),
            1 => slow.spawn(silent(host.gateway, post("/up/slow", "a part"))),
            // The time to the response's head is over some day, whatever trickles.
            _ => slow.spawn(trickle(host.gateway, post("/up/slow", ""), "x")),
        };
    }
    others_are_served_while(&host, slow).await;
    // Of none of them the upstream believes that it was whole.
    let requests = upstream.requests();
    assert!(requests.iter().filter(|request| request.target() == "/up/slow").all(|request| !request.is_whole));
}

/// A plugin has 64 places, and a body that does not come takes none.
#[tokio::test]
async fn bodies_that_do_not_come_take_no_place_of_a_plugin() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    let mut stalled = Vec::new();
    for _ in 0..100 {
        let mut raw = Raw::connect(host.gateway).await;
        raw.send("POST /hello/ HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 1000\r\n\r\na part").await;
        stalled.push(raw);
    }
    // Long before the time of those is over, which is 30 s.
    let answer = tokio::time::timeout(Duration::from_secs(15), host.get("/hello/")).await;
    assert_eq!(answer.expect("it need not wait for them").status, 200);
}

/// Whoever waits for it.
#[tokio::test]
async fn a_body_that_stands_still_is_the_clients_fault() {
    let upstream = Recorder::echo().await;
    let config = "[gateway]\nidle-timeout = '1s'\n[[route]]\npath = '/up/*'\nservice = 'up'\n";
    let config = format!("{config}{}", upstream.upstream("up"));
    let plugins = Setup::new().plugin("hello", "hello").plugin("hello-p2", "hello-p2").plugin("hello-p3", "hello-p3");
    let host = plugins.config(&config).start().await;
    // One that streams has begun its answer, and breaks it off, or ends it after what it saw.
    for (path, expected) in
        [("/hello/", &[408][..]), ("/up/x", &[408]), ("/hello-p2/echo", &[200]), ("/hello-p3/echo", &[200])]
    {
        let mut raw = Raw::connect(host.gateway).await;
        raw.send(format!("POST {path} HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 1000\r\n\r\na part")).await;
        // Long before the request's time is over, which is 30 s.
        let (answers, _) = tokio::time::timeout(Duration::from_secs(15), raw.rest()).await.expect(path);
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        let is_broken = statuses.is_empty() && *expected == [200];
        assert!(is_broken || statuses == expected || statuses == [408], "{path}: {statuses:?}\n{}", host.log());
    }
    let breakers = host.admin("/api/v1/breakers").await.json();
    for breaker in breakers["items"].as_array().unwrap() {
        assert_eq!(breaker["metrics"]["failures"], 0, "{breaker}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_readers_end_in_time_and_hold_nobody_up() {
    let (_upstream, host) = start().await;
    let before = open_files(&host);
    let mut readers = Vec::new();
    for _ in 0..EACH {
        let mut raw = Raw::connect(host.gateway).await;
        raw.send("GET /up/long HTTP/1.1\r\nHost: gateway.test\r\n\r\n").await;
        readers.push(raw);
    }
    // They read nothing, so that it is the host that has to let go: of these connections, and of those upstream.
    let (since, mut served) = (Instant::now(), 0);
    while served < 20 || open_files(&host) > before + 50 {
        assert!(since.elapsed() < PATIENCE, "{} files are open", open_files(&host));
        for path in ["/hello/", "/up/x"] {
            let answer = host.get(path).await;
            assert_eq!(answer.status, 200, "{path}: {}\n{}", answer.text(), host.log());
        }
        served += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(readers);
}

/// Sends this and nothing more until the host closes.
async fn silent(host: SocketAddr, first: String) {
    let mut raw = Raw::connect(host).await;
    raw.send(first).await;
    assert!(raw.closes_within(PATIENCE).await, "a silent connection stays open");
}

/// How many files and sockets the host has open.
fn open_files(host: &Host) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", host.pid())).map_or(0, Iterator::count)
}
