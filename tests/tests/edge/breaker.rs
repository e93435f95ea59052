//! The breaker in front of an upstream, over HTTP: what opens it, and what must not.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use switchyard_tests::{Answer, Host, Raw, Recorder, Setup, UpstreamReply, bus};

/// What the upstream does at the moment: a status, or one of these.
const HANG: usize = 0;
const CLOSE: usize = 1;

struct Broken {
    host: Host,
    upstream: Recorder,
    mood: Arc<AtomicUsize>,
}

// === impl Broken ===

impl Broken {
    async fn start(breaker: &str) -> Self {
        let mood = Arc::new(AtomicUsize::new(200));
        let asked = mood.clone();
        let upstream = Recorder::listen(move |request| {
            let mood = request.target().rsplit('/').next().unwrap().parse().unwrap_or(asked.load(Ordering::SeqCst));
            match mood {
                HANG => UpstreamReply::Hang,
                CLOSE => UpstreamReply::Close,
                status => UpstreamReply::Status(u16::try_from(status).unwrap()),
            }
        })
        .await;
        let config = format!(
            "[retry]\nattempts = 1\n[breaker]\n{breaker}\n{}[[route]]\npath = '/up/*'\nservice = 'up'\ntimeout = '1s'\n",
            upstream.upstream("up")
        );
        Self { host: Setup::new().config(&config).start().await, upstream, mood }
    }

    fn is(&self, mood: usize) {
        self.mood.store(mood, Ordering::SeqCst);
    }

    async fn get(&self) -> Answer {
        self.host.get("/up/x").await
    }

    async fn breaker(&self) -> Value {
        let breakers = self.host.items("/api/v1/breakers").await;
        breakers.into_iter().find(|breaker| breaker["service"] == "up").unwrap_or(Value::Null)
    }

    async fn until(&self, state: &str) -> Value {
        let find = async || Some(self.breaker().await).filter(|breaker| breaker["state"] == state);
        self.host.eventually(&format!("the breaker is {state}"), find).await
    }

    /// Fails until it is open.
    async fn open(&self) {
        self.is(503);
        for _ in 0..5 {
            assert_eq!(self.get().await.status, 503);
        }
        assert_eq!(self.breaker().await["state"], "open");
    }

    /// A call that goes nowhere, and says who refused it and when to come back.
    async fn is_refused(&self) {
        let before = self.upstream.requests().len();
        let answer = self.get().await;
        let problem = answer.json();
        assert_eq!((answer.status.as_u16(), &problem["error"]), (503, &json!("Service unavailable")), "{problem:#}");
        assert_eq!(problem["code"], "SY2007", "{problem:#}");
        assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
        assert!(problem["detail"].as_str().unwrap().contains("up"), "{problem:#}");
        assert_eq!(self.upstream.requests().len(), before);
    }
}

#[tokio::test]
async fn failures_in_a_row_open_it_and_probes_close_it() {
    let broken = Broken::start("open = '2s'").await;
    broken.open().await;
    broken.is_refused().await;
    broken.until("half-open").await;
    broken.is(200);
    for _ in 0..3 {
        assert_eq!(broken.get().await.status, 200);
    }
    assert_eq!(broken.breaker().await["state"], "closed");
    let told = async || Some(broken.host.events("breaker.*").await).filter(|events| events.len() >= 3);
    let events = broken.host.eventually("each move is told", told).await;
    assert_eq!(bus::texts(&events, "type"), ["breaker.opened", "breaker.half-open", "breaker.closed"]);
    assert_eq!(events[0]["data"]["id"], broken.breaker().await["id"]);
}

#[tokio::test]
async fn every_kind_of_failure_counts() {
    for mood in [500, 502, 504, HANG, CLOSE] {
        let broken = Broken::start("open = '60s'").await;
        broken.is(mood);
        for _ in 0..5 {
            let status = broken.get().await.status.as_u16();
            let expected: &[u16] = match mood {
                HANG => &[504],
                CLOSE => &[502],
                status => &[u16::try_from(status).unwrap()],
            };
            assert!(expected.contains(&status), "{mood}: {status}");
        }
        broken.is_refused().await;
    }
}

#[tokio::test]
async fn what_clients_do_wrong_counts_for_nothing() {
    let broken = Broken::start("").await;
    for status in [400, 401, 403, 404, 409, 422, 429] {
        for _ in 0..10 {
            assert_eq!(broken.host.get(&format!("/up/{status}")).await.status, status);
        }
    }
    let shown = broken.breaker().await;
    assert_eq!((&shown["state"], &shown["failureCount"]), (&json!("closed"), &json!(0)), "{shown:#}");
}

#[tokio::test]
async fn a_client_that_goes_away_is_no_failure() {
    let broken = Broken::start("").await;
    broken.is(HANG);
    for call in 1..=20 {
        let mut raw = Raw::connect(broken.host.gateway).await;
        raw.send("GET /up/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n").await;
        broken.upstream.until("called", |_, requests| requests.len() >= call).await;
    }
    broken.is(200);
    assert_eq!(broken.get().await.status, 200);
    let shown = broken.breaker().await;
    assert_eq!((&shown["state"], &shown["metrics"]["failures"]), (&json!("closed"), &json!(0)), "{shown:#}");
}

/// Probes that hang take all places, until their time is over: then it opens again, and does not stay half-open.
#[tokio::test]
async fn probes_that_hang_open_it_again() {
    let broken = Broken::start("open = '2s'").await;
    broken.open().await;
    broken.until("half-open").await;
    broken.is(HANG);
    let mut probes = tokio::task::JoinSet::new();
    let before = broken.upstream.requests().len();
    for _ in 0..3 {
        let mut client = broken.host.client().await;
        probes.spawn(async move { client.get("/up/x").await.unwrap().status.as_u16() });
    }
    broken.upstream.until("probed", |_, requests| requests.len() >= before + 3).await;
    // No fourth one while three are out.
    broken.is_refused().await;
    assert_eq!(probes.join_all().await, [504, 504, 504]);
    assert_eq!(broken.breaker().await["state"], "open");
}

/// The permit of a probe whose client went away comes back.
#[tokio::test]
async fn permits_of_clients_that_went_away_are_not_lost() {
    let broken = Broken::start("open = '2s'").await;
    broken.open().await;
    broken.until("half-open").await;
    broken.is(HANG);
    for _ in 0..6 {
        let before = broken.upstream.requests().len();
        let mut raw = Raw::connect(broken.host.gateway).await;
        raw.send("GET /up/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n").await;
        broken.upstream.until("probed", |_, requests| requests.len() > before).await;
        drop(raw);
        let is_free = async || (broken.breaker().await["state"] == "half-open").then_some(());
        broken.host.eventually("the breaker asks on", is_free).await;
    }
    broken.is(200);
    let closes = async || {
        broken.get().await;
        (broken.breaker().await["state"] == "closed").then_some(())
    };
    broken.host.eventually("the breaker closes", closes).await;
}

/// A call of before it opened that ends well, or badly, while probes are out, moves nothing.
#[tokio::test]
async fn results_that_come_late_move_nothing() {
    let mood = Arc::new(AtomicUsize::new(503));
    let asked = mood.clone();
    let upstream = Recorder::listen(move |request| match request.target() {
        "/up/late" => UpstreamReply::After(std::time::Duration::from_secs(4), Box::new(UpstreamReply::Status(500))),
        _ => UpstreamReply::Status(u16::try_from(asked.load(Ordering::SeqCst)).unwrap()),
    })
    .await;
    let config = format!(
        "[retry]\nattempts = 1\n[breaker]\nopen = '1s'\n{}[[route]]\npath = '/up/*'\nservice = 'up'\n",
        upstream.upstream("up")
    );
    let host = Setup::new().config(&config).start().await;
    let mut client = host.client().await;
    let late = tokio::spawn(async move { client.get("/up/late").await.unwrap().status.as_u16() });
    upstream.until("called", |_, requests| !requests.is_empty()).await;
    for _ in 0..5 {
        assert_eq!(host.get("/up/x").await.status, 503);
    }
    let broken = Broken { host, upstream, mood };
    broken.until("half-open").await;
    broken.is(200);
    for _ in 0..3 {
        assert_eq!(broken.get().await.status, 200);
    }
    assert_eq!(broken.breaker().await["state"], "closed");
    assert_eq!(late.await.unwrap(), 500);
    let shown = broken.breaker().await;
    assert_eq!((&shown["state"], &shown["failureCount"]), (&json!("closed"), &json!(0)), "{shown:#}");
}
