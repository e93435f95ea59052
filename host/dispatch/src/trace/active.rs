//! A span that has not ended yet.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use switchyard_core::trace::{Kind, Moment, Name, Span, SpanEvent, Status, TraceParent, Value};

use super::Spans;

/// The longest text of an attribute or a status in bytes; what is longer is cut. 4 KiB.
const TEXT_MAX: usize = 4 << 10;

/// What a span says that was dropped before somebody said how it ended.
const CANCELLED: &str = "cancelled";

/// A span under way. It is recorded when it ends; when it is dropped before, it was cancelled, and says so.
pub struct Active(Box<Inner>);

struct Inner {
    spans: Arc<dyn Spans>,
    span: Span,
    /// Its duration is measured by this: the wall clock may be set meanwhile.
    began: Instant,
    has_ended: bool,
    /// What is recorded is below this, too, and has it made once.
    traceparent: Option<Arc<str>>,
}

// === impl Active ===

impl Active {
    pub(super) fn begin(
        spans: Arc<dyn Spans>,
        place: TraceParent,
        parent_id: Option<[u8; 8]>,
        kind: Kind,
        name: Name,
    ) -> Self {
        let start = now();
        let span = Span {
            trace_id: place.trace_id,
            span_id: place.span_id,
            parent_id,
            flags: place.flags,
            name,
            kind,
            start,
            end: start,
            attributes: Vec::with_capacity(8),
            status: Status::Unset,
            links: Vec::new(),
            events: Vec::new(),
            scope: None,
        };
        Self(Box::new(Inner { spans, span, began: Instant::now(), has_ended: false, traceparent: None }))
    }

    /// Its place in the trace.
    pub fn place(&self) -> TraceParent {
        let Span { trace_id, span_id, flags, .. } = self.0.span;
        TraceParent { trace_id, span_id, flags }
    }

    /// The traceparent of what comes below it.
    pub fn traceparent(&mut self) -> Arc<str> {
        let place = self.place();
        Arc::clone(self.0.traceparent.get_or_insert_with(|| place.to_text().as_str().into()))
    }

    /// Calls it something else, now that more is known.
    pub fn rename(&mut self, name: impl Into<Name>) {
        self.0.span.name = name.into();
    }

    /// Says something of it.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        let value = match value.into() {
            Value::Text(Cow::Owned(text)) => Value::Text(Cow::Owned(cut(text))),
            value => value,
        };
        self.0.span.attributes.push((Name::Borrowed(name), value));
    }

    /// Says the same if there is something to say.
    pub fn set_some(&mut self, name: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Says that it failed: with a kind of failure, of few different ones, and a reason.
    pub fn fail(&mut self, kind: impl Into<Value>, reason: impl Into<String>) {
        self.set("error.type", kind);
        self.0.span.status = Status::Error(cut(reason.into()));
    }

    /// Whether it was said to have failed.
    pub fn has_failed(&self) -> bool {
        matches!(self.0.span.status, Status::Error(_))
    }

    /// Notes an exception: what it said, and where it was.
    pub fn exception(&mut self, kind: &'static str, message: &str, place: Option<&str>) {
        let mut attributes = vec![
            (Name::Borrowed("exception.type"), Value::from(kind)),
            (Name::Borrowed("exception.message"), cut(message.to_owned()).into()),
        ];
        let stack = place.map(|place| (Name::Borrowed("exception.stacktrace"), cut(place.to_owned()).into()));
        attributes.extend(stack);
        let at = self.elapsed();
        self.0.span.events.push(SpanEvent { name: Name::Borrowed("exception"), at, attributes });
    }

    /// Ends it now.
    pub fn end(mut self) {
        self.0.has_ended = true;
    }

    fn elapsed(&self) -> Moment {
        let nanos = u64::try_from(self.0.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.0.span.start.saturating_add(nanos)
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.span.end = self.elapsed();
        if !self.0.has_ended && self.0.span.status == Status::Unset {
            self.fail(CANCELLED, CANCELLED);
        }
        let Inner { spans, span, .. } = &mut *self.0;
        let nothing = Span {
            name: Name::Borrowed(""),
            attributes: Vec::new(),
            status: Status::Unset,
            links: Vec::new(),
            events: Vec::new(),
            scope: None,
            ..*span
        };
        spans.record(std::mem::replace(span, nothing));
    }
}

/// Now, in the form of spans.
fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// A text that is not longer than may be.
fn cut(mut text: String) -> String {
    if text.len() > TEXT_MAX {
        text.truncate(text.floor_char_boundary(TEXT_MAX));
    }
    text
}
