//! Requests that two servers could read differently, byte for byte, and a backend that proves what reached it.
//!
//! Each class is a table of [`Case`]s. What is refused is refused with a problem, its connection is closed, and not one
//! byte of it gets to the upstream, whether the request comes in one piece or byte by byte.

mod bodies;
mod chunks;
mod forwarding;
mod hosts;
mod lengths;
mod lines;
mod names;
mod targets;
mod trickling;

use switchyard_tests::{Host, Raw, Recorder, Setup};

/// A request that a client would like the upstream to see behind another one.
const SMUGGLED: &str = "GET /up/smuggled HTTP/1.1\r\nHost: gateway.test\r\n\r\n";

/// Bytes on one connection, and what has to come of them.
struct Case {
    name: &'static str,
    sent: Vec<u8>,
    /// The status of each answer; a number below 10 stands for all of its hundred.
    answers: Vec<u16>,
    /// What reaches the upstream: the first line of each request.
    reaches: Vec<&'static str>,
    /// What the upstream sees of it, in lower case, besides.
    has: Vec<&'static str>,
    /// What the upstream does not see, in lower case.
    lacks: Vec<&'static str>,
}

/// A host in front of an upstream that keeps every byte.
struct Edge {
    host: Host,
    upstream: Recorder,
}

// === impl Case ===

impl Case {
    /// What is answered 400, and goes nowhere.
    fn refused(name: &'static str, sent: impl AsRef<[u8]>) -> Self {
        Self::answered(name, sent, &[400])
    }

    /// What is answered so, and goes nowhere.
    fn answered(name: &'static str, sent: impl AsRef<[u8]>, answers: &[u16]) -> Self {
        let (sent, answers) = (sent.as_ref().to_vec(), answers.to_vec());
        Self { name, sent, answers, reaches: Vec::new(), has: Vec::new(), lacks: Vec::new() }
    }

    /// What is served: these first lines reach the upstream, and each is answered 200.
    fn passes(name: &'static str, sent: impl AsRef<[u8]>, reaches: &[&'static str]) -> Self {
        let answers = vec![200; reaches.len()];
        Self { reaches: reaches.to_vec(), ..Self::answered(name, sent, &answers) }
    }

    /// Whose upstream sees this.
    fn with(mut self, has: &[&'static str]) -> Self {
        self.has.extend(has);
        self
    }

    /// Whose upstream does not see this.
    fn without(mut self, lacks: &[&'static str]) -> Self {
        self.lacks.extend(lacks);
        self
    }
}

// === impl Edge ===

impl Edge {
    async fn start() -> Self {
        let upstream = Recorder::echo().await;
        let config = format!(
            "[gateway]\nheader-timeout = '5s'\nidle-timeout = '5s'\n{}\n[[route]]\npath = '/up/*'\nservice = 'up'\n",
            upstream.upstream("up")
        );
        Self { host: Setup::new().config(&config).start().await, upstream }
    }

    /// Sends each case in one write, on a connection of its own.
    async fn check(&self, cases: &[Case]) {
        self.check_in_pieces(cases, usize::MAX).await;
    }

    /// Sends each case in writes of so many bytes.
    async fn check_in_pieces(&self, cases: &[Case], size: usize) {
        let mut failed = Vec::new();
        for case in cases {
            self.upstream.take();
            let mut raw = Raw::connect(self.host.gateway).await;
            for piece in case.sent.chunks(size) {
                raw.send(piece).await;
            }
            let (answers, _) = raw.rest().await;
            let (bytes, requests) = self.upstream.take();
            let seen = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
            let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
            let reached: Vec<&str> = requests.iter().map(switchyard_tests::recorder::Request::line).collect();
            let is_as_expected = statuses.len() == case.answers.len()
                && std::iter::zip(&statuses, &case.answers).all(|(status, expected)| is_like(*status, *expected))
                && reached == case.reaches
                && requests.iter().all(|request| request.is_whole)
                && (!case.reaches.is_empty() || bytes.is_empty())
                && case.has.iter().all(|has| seen.contains(has))
                && !case.lacks.iter().any(|lacks| seen.contains(lacks));
            let are_problems = answers.iter().all(|answer| {
                let status = answer.status.as_u16();
                status < 400
                    || answer.header("content-type") == "application/problem+json" && answer.json()["status"] == status
            });
            if !is_as_expected || !are_problems {
                failed.push(format!(
                    "{}: expected {:?} and {:?}, got {statuses:?} and {reached:?}\n  answers: {:?}\n  upstream: {seen:?}",
                    case.name,
                    case.answers,
                    case.reaches,
                    answers.iter().map(switchyard_tests::Answer::text).collect::<Vec<_>>(),
                ));
            }
        }
        assert!(
            failed.is_empty(),
            "{} of {} cases, {size} bytes a write:\n{}",
            failed.len(),
            cases.len(),
            failed.join("\n")
        );
        // Whatever was sent, others are served.
        assert_eq!(self.host.get("/up/after").await.status, 200);
    }
}

fn is_like(status: u16, expected: u16) -> bool {
    if expected < 10 { status / 100 == expected } else { status == expected }
}

/// `GET /up/x` with these header lines, each of which ends itself.
fn get(headers: &str) -> String {
    format!("GET /up/x HTTP/1.1\r\nHost: gateway.test\r\n{headers}\r\n")
}

/// The same as the last request of its connection.
fn last(headers: &str) -> String {
    get(&format!("{headers}Connection: close\r\n"))
}

/// `POST /up/x` with these header lines, each of which ends itself, and these bytes after its head.
fn post(headers: &str, body: &str) -> String {
    format!("POST /up/x HTTP/1.1\r\nHost: gateway.test\r\n{headers}\r\n{body}")
}

/// `POST /up/x` with this body, sent as chunks as they are written here.
fn chunked(body: &str) -> String {
    post("Transfer-Encoding: chunked\r\n", body)
}
