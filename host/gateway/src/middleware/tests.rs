use std::sync::Mutex;

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use switchyard_dispatch::Dispatcher;

use super::*;
use crate::{
    connection::{Activity, Connection},
    handle::Shared,
    options::Options,
    request::Exchange,
};

/// What happened, in order.
type Journal = Arc<Mutex<Vec<String>>>;

/// What a middleware does to requests, besides noting that it saw them.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    /// It hands them on.
    Pass,
    /// It adds its name to a header of requests and responses.
    Stamp,
    /// It puts its name in the place of a body that it is shown.
    Replace,
    /// It answers by itself.
    Answer,
    /// It traps.
    Fail,
    /// It traps over the response.
    FailLate,
}

struct Fake {
    name: &'static str,
    does: Does,
    journal: Journal,
}

impl Fake {
    fn note(&self, what: &str) {
        self.journal.lock().unwrap().push(format!("{} {what}", self.name));
    }

    fn trap(&self) -> CallError {
        CallError::Failed { detail: "it trapped".to_owned(), backtrace: None }
    }

    fn stamp(&self, headers: &mut HeaderMap) {
        headers.append("x-stamp", HeaderValue::from_static(self.name));
    }
}

#[async_trait]
impl Middleware for Fake {
    async fn on_request(
        &self,
        _: CallContext,
        head: &request::Parts,
        body: Option<&Bytes>,
    ) -> Result<RequestDecision, CallError> {
        self.note(&body.map_or_else(|| "request ?".to_owned(), |body| format!("request {}", body.escape_ascii())));
        let mut changed = head.clone();
        self.stamp(&mut changed.headers);
        Ok(match self.does {
            Does::Pass | Does::FailLate => RequestDecision::Next,
            Does::Stamp => RequestDecision::NextWithHead(changed),
            Does::Replace => RequestDecision::NextWith(Request::from_parts(changed, Bytes::from_static(b"new"))),
            Does::Answer => RequestDecision::Answer(Response::builder().status(403).body(Bytes::new()).unwrap()),
            Does::Fail => return Err(self.trap()),
        })
    }

    async fn on_response(
        &self,
        _: CallContext,
        request: &request::Parts,
        head: &response::Parts,
        body: Option<&Bytes>,
    ) -> Result<ResponseDecision, CallError> {
        let seen = stamps(&request.headers);
        let body = body.map_or_else(|| "?".to_owned(), |body| body.escape_ascii().to_string());
        self.note(&format!("response {} {body} to {seen}", head.status.as_u16()));
        let mut changed = head.clone();
        self.stamp(&mut changed.headers);
        changed.headers.insert("content-length", HeaderValue::from_static("99"));
        Ok(match self.does {
            Does::FailLate => return Err(self.trap()),
            Does::Stamp => ResponseDecision::NextWithHead(changed),
            Does::Replace => ResponseDecision::NextWith(Response::new(Bytes::from_static(b"changed"))),
            _ => ResponseDecision::Next,
        })
    }

    async fn chain(&self, _: CallContext, request: Request<Body>, next: Next) -> Result<Response<Body>, CallError> {
        self.note("in");
        match self.does {
            Does::Answer => return Ok(Response::new(Body::empty())),
            Does::Fail => return Err(self.trap()),
            _ => {}
        }
        let mut response = next(request).await.unwrap();
        self.stamp(response.headers_mut());
        self.note(&format!("out {}", response.status().as_u16()));
        Ok(response)
    }
}

fn stamps(headers: &HeaderMap) -> String {
    headers.get_all("x-stamp").iter().map(|stamp| stamp.to_str().unwrap()).collect::<Vec<_>>().join(",")
}

/// What a request meets.
struct Way {
    journal: Journal,
    links: Vec<Link>,
}

impl Way {
    fn new(list: &[(&'static str, MiddlewareKind, Does)]) -> Self {
        let journal = Journal::default();
        let link = |(name, kind, does): &(&'static str, MiddlewareKind, Does)| Link {
            name: name.parse().unwrap(),
            kind: *kind,
            middleware: Arc::new(Fake { name, does: *does, journal: Arc::clone(&journal) }),
        };
        let links = list.iter().map(link).collect();
        Self { journal, links }
    }

    /// Sends a request through, to a service that answers with what it got.
    async fn send(&self, request: Request<Body>) -> Answer {
        let shared = Arc::new(Shared::new(Options::default(), Dispatcher::new()));
        let connection = Connection::new(shared, Arc::new(Activity::default()), ([127, 0, 0, 1], 1).into());
        let exchange = Arc::new(Exchange::begin(Arc::new(connection), &request));
        let flow = Flow::of_test(Arc::clone(&exchange));
        let journal = Arc::clone(&self.journal);
        let rest: Rest = Arc::new(move |request| {
            let journal = Arc::clone(&journal);
            Box::pin(async move {
                let stamps = stamps(request.headers());
                let got = request.into_body().collect(1 << 20).await.unwrap();
                journal.lock().unwrap().push(format!("service {} {stamps}", got.escape_ascii()));
                if got == "refuse" {
                    return Err(Refusal::new(Code::RouteNotFound, "there is none"));
                }
                Ok(Response::new(Body::full(got)))
            })
        });
        let ahead = Ahead { flow: Arc::new(flow), links: self.links.clone().into(), at: 0, rest };
        ahead.pass(request).await.unwrap_or_else(|refusal| exchange.refuse(refusal))
    }

    #[track_caller]
    fn check(&self, expected: &[&str]) {
        assert_eq!(*self.journal.lock().unwrap(), expected);
    }
}

fn post(body: impl Into<Bytes>) -> Request<Body> {
    Request::builder().method(Method::POST).uri("/x").body(Body::full(body.into())).unwrap()
}

use Does::{Answer as Answers, Fail, FailLate, Pass, Replace, Stamp};
use MiddlewareKind::{Chain, Records};

#[tokio::test]
async fn requests_pass_in_order_and_responses_in_reverse() {
    let way = Way::new(&[("a", Records, Stamp), ("b", Chain, Stamp), ("c", Records, Stamp), ("d", Records, Pass)]);
    let response = way.send(post("hi")).await;
    assert_eq!(stamps(response.headers()), "c,b,a");
    way.check(&[
        "a request hi",
        "b in",
        "c request hi",
        "d request hi",
        "service hi a,c",
        "d response 200 hi to a,c",
        "c response 200 hi to a,c",
        "b out 200",
        "a response 200 hi to a",
    ]);
}

#[tokio::test]
async fn each_sees_what_the_one_before_made_of_it() {
    let way = Way::new(&[("a", Records, Pass), ("b", Records, Replace), ("c", Records, Pass)]);
    let response = way.send(post("old")).await;
    assert_eq!(response.into_body().collect(100).await.unwrap(), "changed");
    way.check(&[
        "a request old",
        "b request old",
        "c request new",
        "service new b",
        "c response 200 new to b",
        "b response 200 new to b",
        "a response 200 changed to ",
    ]);
}

#[tokio::test]
async fn an_answer_is_seen_by_those_before_it_alone() {
    for kind in [Records, Chain] {
        let way = Way::new(&[("a", Records, Pass), ("b", kind, Answers), ("c", Records, Pass)]);
        let status = way.send(post("hi")).await.status().as_u16();
        let last = format!("a response {status}  to ");
        way.check(&["a request hi", if kind == Records { "b request hi" } else { "b in" }, &last]);
    }
}

#[tokio::test]
async fn a_failure_ends_the_request_and_names_who_failed() {
    for (kind, does) in [(Records, Fail), (Chain, Fail), (Records, FailLate)] {
        let way = Way::new(&[("a", Chain, Pass), ("filter", kind, does), ("c", Records, Pass)]);
        let response = way.send(post("hi")).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let problem: serde_json::Value = serde_json::from_slice(response.body().as_full().unwrap()).unwrap();
        assert_eq!(problem["code"], "SY1011");
        assert!(problem["detail"].as_str().unwrap().starts_with("the middleware 'filter' failed; "), "{problem}");
        // Nothing of a guest's own words reaches a client.
        assert!(!problem["detail"].as_str().unwrap().contains("trapped"));
        let reached = way.journal.lock().unwrap().iter().any(|line| line.starts_with("service"));
        assert_eq!(reached, does == FailLate);
    }
}

#[tokio::test]
async fn a_refusal_of_what_comes_after_is_a_response() {
    let way = Way::new(&[("a", Records, Stamp), ("b", Chain, Pass)]);
    let response = way.send(post("refuse")).await;
    assert_eq!((response.status().as_u16(), &*stamps(response.headers())), (404, "b,a"));
}

#[tokio::test]
async fn a_large_body_passes_by_unseen() {
    let way = Way::new(&[("a", Records, Stamp)]);
    let response = way.send(post(vec![b'x'; held_max() + 1])).await;
    assert_eq!(response.into_body().collect(1 << 20).await.unwrap().len(), held_max() + 1);
    let journal = way.journal.lock().unwrap();
    assert_eq!((&*journal[0], &*journal[2]), ("a request ?", "a response 200 ? to a"));
}

#[tokio::test]
async fn the_length_of_a_body_that_stays_is_not_for_a_middleware_to_say() {
    let way = Way::new(&[("a", Records, Stamp)]);
    assert!(!way.send(post("hi")).await.headers().contains_key("content-length"));
}

#[tokio::test]
async fn a_chain_refuses_upgrades() {
    let way = Way::new(&[("a", Chain, Pass)]);
    let mut request = post("");
    *request.method_mut() = http::Method::GET;
    request.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
    request.headers_mut().insert("upgrade", HeaderValue::from_static("websocket"));
    assert_eq!(way.send(request).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    way.check(&[]);
}

#[tokio::test]
async fn a_middleware_that_is_not_loaded_ends_the_request_before_any_is_called() {
    let shared = Arc::new(Shared::new(Options::default(), Dispatcher::new()));
    let connection = Connection::new(shared, Arc::new(Activity::default()), ([127, 0, 0, 1], 1).into());
    let flow = Arc::new(Flow::of_test(Arc::new(Exchange::begin(Arc::new(connection), &post("")))));
    let rest: Rest = Arc::new(|_| panic!("nothing passes"));
    let refusal = pass(&flow, &["gone".parse().unwrap()], rest, post("")).await.unwrap_err();
    assert!(refusal.detail().starts_with("the middleware 'gone' is not loaded; "), "{}", refusal.detail());
}

fn held_max() -> usize {
    crate::request::held::HELD_MAX
}
