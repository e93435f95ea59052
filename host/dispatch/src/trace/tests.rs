use std::sync::Mutex;

use http::{HeaderMap, HeaderValue};
use switchyard_core::trace::Status;
use switchyard_runtime::CallContext;
use tokio::time::Instant;

use super::{calls::TRACEPARENT, *};

const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const NOT_SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

/// Keeps all spans.
#[derive(Default)]
struct Kept(Mutex<Vec<Span>>);

impl Spans for Kept {
    fn record(&self, span: Span) {
        self.0.lock().unwrap().push(span);
    }
}

fn tracer(share: f64) -> (Tracer, Arc<Kept>) {
    let (tracer, kept) = (Tracer::default(), Arc::<Kept>::default());
    tracer.collect(Arc::clone(&kept) as _, share);
    (tracer, kept)
}

fn name() -> Name {
    "n".into()
}

fn context(traceparent: &str) -> CallContext {
    CallContext {
        request_id: "r".into(),
        traceparent: Some(traceparent.into()),
        ancestors: Arc::default(),
        deadline: Instant::now(),
        body_max: 0,
        show_backtrace: false,
        cause: None,
        handled: None,
    }
}

#[test]
fn there_is_no_span_while_nobody_collects_or_the_trace_is_not_recorded() {
    let off = Tracer::default();
    let never = || -> Name { panic!("a name costs something") };
    assert!(off.begin(Some(SAMPLED), Kind::Internal, never).is_none());
    assert!(off.begin_or_root(None, Kind::Internal, never).is_none());
    assert!(!off.samples(|| panic!("chance costs something")));
    let (on, kept) = tracer(0.0);
    for traceparent in [None, Some(NOT_SAMPLED), Some(""), Some("00-0-0-01")] {
        assert!(on.begin(traceparent, Kind::Internal, never).is_none(), "{traceparent:?}");
    }
    assert!(on.begin_or_root(None, Kind::Internal, never).is_none(), "none of the traces that begin here");
    assert!(kept.0.lock().unwrap().is_empty());
}

#[test]
fn a_span_is_below_its_parent_and_what_it_leads_to_is_below_it() {
    let (tracer, kept) = tracer(1.0);
    let mut outer = tracer.begin(Some(SAMPLED), Kind::Consumer, name).unwrap();
    let traceparent = outer.traceparent();
    let mut inner = tracer.begin(Some(&traceparent), Kind::Internal, name).unwrap();
    inner.set("a", 7_u32);
    inner.fail("x", "it did not work");
    inner.end();
    outer.end();
    let spans = kept.0.lock().unwrap();
    let parent = TraceParent::parse(SAMPLED.as_bytes()).unwrap();
    assert_eq!((spans[1].trace_id, spans[1].parent_id), (parent.trace_id, Some(parent.span_id)));
    assert_eq!((spans[0].trace_id, spans[0].parent_id), (parent.trace_id, Some(spans[1].span_id)));
    assert_eq!(spans[0].status, Status::Error("it did not work".to_owned()));
    assert_eq!(spans[0].attributes[0], ("a".into(), 7_u32.into()));
    assert_eq!(spans[1].status, Status::Unset);
    assert!(spans.iter().all(|span| span.start <= span.end && span.start > 1_700_000_000_000_000_000));
}

#[test]
fn a_trace_that_begins_here_is_recorded_as_often_as_is_wanted() {
    let (tracer, kept) = tracer(0.5);
    let begun = (0..2_000).filter(|_| tracer.begin_or_root(None, Kind::Producer, name).is_some()).count();
    assert!((800..1_200).contains(&begun), "{begun}");
    assert!(kept.0.lock().unwrap().iter().all(|span| span.parent_id.is_none() && span.trace_id != [0; 16]));
    assert!(tracer.samples(|| 0) && !tracer.samples(|| u64::MAX));
    assert!(tracer.begin_or_root(Some(NOT_SAMPLED), Kind::Producer, name).is_none(), "it was decided elsewhere");
}

#[test]
fn what_is_dropped_before_it_ended_was_cancelled() {
    let (tracer, kept) = tracer(1.0);
    drop(tracer.begin(Some(SAMPLED), Kind::Internal, name));
    let spans = kept.0.lock().unwrap();
    assert_eq!(spans[0].status, Status::Error("cancelled".to_owned()));
}

#[test]
fn texts_are_cut_where_a_sign_ends() {
    let (tracer, kept) = tracer(1.0);
    let mut span = tracer.begin(Some(SAMPLED), Kind::Internal, name).unwrap();
    span.set("a", "ä".repeat(3_000));
    span.exception("trap", &"b".repeat(5_000), None);
    drop(span);
    let spans = kept.0.lock().unwrap();
    assert_eq!(spans[0].attributes[0], ("a".into(), "ä".repeat(2_048).into()));
    assert_eq!(spans[0].events[0].attributes[1], ("exception.message".into(), "b".repeat(4_096).into()));
}

#[test]
fn a_guest_says_where_its_call_belongs_within_its_own_trace() {
    let own = SAMPLED;
    let below = SAMPLED.replace("b7ad6b7169203331", "0101010101010101");
    let foreign = SAMPLED.replace("0af7", "1af7");
    for (said, becomes, keeps_state) in [
        (vec![below.as_str()], below.as_str(), true),
        (vec![own], own, true),
        (vec![foreign.as_str()], own, false),
        (vec!["nonsense"], own, false),
        (vec![below.as_str(), below.as_str()], own, false),
        (vec![], own, false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("tracestate", HeaderValue::from_static("a=b"));
        said.iter().for_each(|said| _ = headers.append(TRACEPARENT, said.parse().unwrap()));
        let mut context = context(own);
        adopt(&mut context, &mut headers);
        assert_eq!(context.traceparent.as_deref(), Some(becomes), "{said:?}");
        assert_eq!(headers.contains_key("tracestate"), keeps_state, "{said:?}");
    }
}

#[test]
fn a_request_to_outside_says_its_own_place_and_no_query() {
    let (tracer, kept) = tracer(1.0);
    let mut context = context(SAMPLED);
    let mut request = http::Request::get("https://u:p@example.com/a?token=x").body(Default::default()).unwrap();
    let mut span = tracer.outgoing(&mut context, &mut request).unwrap();
    assert_eq!(request.headers()[TRACEPARENT].as_bytes(), span.traceparent().as_bytes());
    sent(Some(span), &Err(switchyard_runtime::ports::OutgoingError::TimedOut("late".to_owned())));
    let spans = kept.0.lock().unwrap();
    let (span, text) = (&spans[0], |text: &str| text.to_owned().into());
    for (name, value) in [
        ("http.request.method", "GET".into()),
        ("url.full", text("https://example.com/a")),
        ("server.address", text("example.com")),
        ("server.port", 443_u16.into()),
        ("error.type", "timeout".into()),
    ] {
        assert!(span.attributes.contains(&(name.into(), value)), "{name}: {:?}", span.attributes);
    }
    assert_eq!((span.kind, &*span.name, &span.status), (Kind::Client, "GET", &Status::Error("late".to_owned())));
    // A trace that is not recorded goes on all the same.
    let mut request = http::Request::get("http://example.com/").body(Default::default()).unwrap();
    assert!(tracer.outgoing(&mut self::context(NOT_SAMPLED), &mut request).is_none());
    assert_eq!(request.headers()[TRACEPARENT], NOT_SAMPLED);
}
