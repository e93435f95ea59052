//! A collector: takes OTLP over HTTP, and keeps what it got, decoded.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{AnyValue, KeyValue, any_value},
    trace::v1::{Span as ProtoSpan, span::SpanKind, status::StatusCode},
};
use prost::Message;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::host::{Host, PATIENCE};

/// A listening collector; it ends with this value.
pub struct Collector {
    /// Its URL, for `[telemetry] otlp`.
    pub url: String,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

/// A span that came.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The trace, in hexadecimal digits.
    pub trace: String,
    /// Its id, likewise.
    pub id: String,
    /// Its parent's id; empty of the first one of a trace.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// `server`, `client`, `internal`, `producer` or `consumer`.
    pub kind: &'static str,
    /// When it began and ended, in nanoseconds.
    pub time: (u64, u64),
    /// Its attributes.
    pub attributes: BTreeMap<String, Value>,
    /// Why it failed; none when it did not.
    pub error: Option<String>,
    /// The names and attributes of its events.
    pub events: Vec<(String, BTreeMap<String, Value>)>,
    /// Who recorded it: the host, or a guest.
    pub scope: String,
    /// What sent it.
    pub resource: BTreeMap<String, Value>,
}

#[derive(Default)]
struct State {
    /// What is answered.
    status: AtomicU16,
    requests: AtomicUsize,
    headers: Mutex<Vec<HeaderMap>>,
    spans: Mutex<Vec<Span>>,
    metrics: Mutex<Vec<ExportMetricsServiceRequest>>,
}

// === impl Collector ===

impl Collector {
    /// Listens on a free port.
    pub async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let state = Arc::new(State::default());
        state.status.store(200, SeqCst);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { url, state, accepting }
    }

    /// `[telemetry]` of a configuration that names it.
    pub fn telemetry(&self) -> String {
        format!("[telemetry]\notlp = '{}'\n", self.url)
    }

    /// Answers with this status from now on; what comes with another one than 200 is not kept.
    pub fn answer(&self, status: u16) {
        self.state.status.store(status, SeqCst);
    }

    /// How often it was asked.
    pub fn requests(&self) -> usize {
        self.state.requests.load(SeqCst)
    }

    /// The headers of all requests.
    pub fn headers(&self) -> Vec<HeaderMap> {
        self.state.headers.lock().unwrap().clone()
    }

    /// All spans so far.
    pub fn spans(&self) -> Vec<Span> {
        self.state.spans.lock().unwrap().clone()
    }

    /// All metrics so far, as they came.
    pub fn metrics(&self) -> Vec<ExportMetricsServiceRequest> {
        self.state.metrics.lock().unwrap().clone()
    }

    /// Waits until a span is there that is as described, and answers all of its trace.
    pub async fn until(&self, host: &Host, what: &str, is: impl Fn(&Span) -> bool) -> Vec<Span> {
        let since = Instant::now();
        loop {
            let spans = self.spans();
            if let Some(found) = spans.iter().find(|span| is(span)) {
                return spans.iter().filter(|span| span.trace == found.trace).cloned().collect();
            }
            assert!(since.elapsed() < PATIENCE, "no span is {what}:\n{}\n{}", tree(&spans), host.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

// === impl Span ===

impl Span {
    /// An attribute as text; empty when it is not there.
    pub fn text(&self, name: &str) -> &str {
        self.attributes.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// An attribute that is a number; none when it is not there.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.attributes.get(name).and_then(Value::as_i64)
    }
}

/// Spans as people read them: each below its parent, in the order of their beginnings.
pub fn tree(spans: &[Span]) -> String {
    fn below(spans: &[Span], parent: &str, depth: usize, text: &mut String) {
        let mut children: Vec<_> = spans.iter().filter(|span| span.parent == parent).collect();
        children.sort_by_key(|span| span.time);
        for span in children {
            let error = span.error.as_deref().map(|error| format!(" ! {error}")).unwrap_or_default();
            text.push_str(&format!("{}{} ({}){error}\n", "  ".repeat(depth), span.name, span.kind));
            below(spans, &span.id, depth + 1, text);
        }
    }
    let mut text = String::new();
    below(spans, "", 0, &mut text);
    let is_lost = |span: &&Span| !span.parent.is_empty() && spans.iter().all(|other| other.id != span.parent);
    for lost in spans.iter().filter(is_lost) {
        text.push_str(&format!("without its parent {}: {} ({})\n", lost.parent, lost.name, lost.kind));
        below(spans, &lost.id, 1, &mut text);
    }
    text
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        let service = service_fn(move |request| answer(request, Arc::clone(&state)));
        tokio::spawn(async move {
            // A host that goes away in the middle is its own affair.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>, state: Arc<State>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    state.requests.fetch_add(1, SeqCst);
    assert_eq!(head.headers[CONTENT_TYPE], "application/x-protobuf");
    state.headers.lock().unwrap().push(head.headers);
    let status = state.status.load(SeqCst);
    if status == 200 {
        match head.uri.path() {
            "/v1/traces" => {
                let request = ExportTraceServiceRequest::decode(body).expect("it is OTLP");
                state.spans.lock().unwrap().extend(spans(request));
            }
            "/v1/metrics" => {
                let request = ExportMetricsServiceRequest::decode(body).expect("it is OTLP");
                state.metrics.lock().unwrap().push(request);
            }
            other => panic!("nothing is sent to {other}"),
        }
    }
    let response = Response::builder().status(status).header(CONTENT_TYPE, "application/x-protobuf");
    Ok(response.body(Full::default()).expect("it holds"))
}

fn spans(request: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for of_resource in request.resource_spans {
        let resource = attributes(of_resource.resource.unwrap_or_default().attributes);
        for of_scope in of_resource.scope_spans {
            let scope = of_scope.scope.unwrap_or_default().name;
            spans.extend(of_scope.spans.into_iter().map(|span| decoded(span, &scope, &resource)));
        }
    }
    spans
}

fn decoded(span: ProtoSpan, scope: &str, resource: &BTreeMap<String, Value>) -> Span {
    let kind = match span.kind() {
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
        SpanKind::Internal | SpanKind::Unspecified => "internal",
    };
    let failed = span.status.filter(|status| status.code() == StatusCode::Error);
    Span {
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        name: span.name,
        kind,
        time: (span.start_time_unix_nano, span.end_time_unix_nano),
        attributes: attributes(span.attributes),
        error: failed.map(|status| status.message),
        events: span.events.into_iter().map(|event| (event.name, attributes(event.attributes))).collect(),
        scope: scope.to_owned(),
        resource: resource.clone(),
    }
}

/// Attributes as JSON.
pub fn attributes(attributes: Vec<KeyValue>) -> BTreeMap<String, Value> {
    attributes.into_iter().map(|pair| (pair.key, pair.value.map_or(Value::Null, json_of))).collect()
}

fn json_of(value: AnyValue) -> Value {
    match value.value {
        Some(any_value::Value::StringValue(text)) => text.into(),
        Some(any_value::Value::BoolValue(is)) => is.into(),
        Some(any_value::Value::IntValue(number)) => number.into(),
        Some(any_value::Value::DoubleValue(number)) => json!(number),
        Some(any_value::Value::ArrayValue(list)) => list.values.into_iter().map(json_of).collect(),
        _ => Value::Null,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
