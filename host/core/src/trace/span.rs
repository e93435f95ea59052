//! A span that has ended, as data.

use std::{borrow::Cow, sync::Arc};

/// Nanoseconds since 1970-01-01T00:00:00Z.
pub type Moment = u64;

/// The name of a span, an attribute or an event: most of them are written in the code.
pub type Name = Cow<'static, str>;

/// What somebody did for a trace, from its beginning to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The trace.
    pub trace_id: [u8; 16],
    /// Its own id.
    pub span_id: [u8; 8],
    /// The span that led to it; none of the first one of a trace.
    pub parent_id: Option<[u8; 8]>,
    /// The flags of its trace.
    pub flags: u8,
    /// What was done; of few different values, as `GET /orders/{id}`.
    pub name: Name,
    /// Which part it played.
    pub kind: Kind,
    /// When it began.
    pub start: Moment,
    /// When it ended.
    pub end: Moment,
    /// What is known of it, by OpenTelemetry's names where there are such.
    pub attributes: Vec<(Name, Value)>,
    /// How it ended.
    pub status: Status,
    /// Spans that have to do with it beside its parent.
    pub links: Vec<Link>,
    /// What happened meanwhile.
    pub events: Vec<SpanEvent>,
    /// The service that recorded it itself; none when the host did.
    pub scope: Option<Arc<str>>,
}

/// Which part a span plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Something inside.
    Internal,
    /// It answers a request.
    Server,
    /// It waits for the answer of somebody outside.
    Client,
    /// It hands something over that is taken up later.
    Producer,
    /// It takes up what a producer handed over.
    Consumer,
}

/// How a span ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Nothing is said, which means that nothing went wrong.
    #[default]
    Unset,
    /// Somebody said that it went well.
    Ok,
    /// It failed, for this reason.
    Error(String),
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    Text(Cow<'static, str>),
    /// A text that others have as well.
    Shared(Arc<str>),
    /// A number.
    Int(i64),
    /// A number that is not whole.
    Double(f64),
    /// Yes or no.
    Bool(bool),
    /// Several values.
    List(Vec<Value>),
}

/// Another span that has to do with one.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Its trace.
    pub trace_id: [u8; 16],
    /// Its id.
    pub span_id: [u8; 8],
    /// What is known of the link.
    pub attributes: Vec<(Name, Value)>,
}

/// Something that happened during a span.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanEvent {
    /// What, as `exception`.
    pub name: Name,
    /// When.
    pub at: Moment,
    /// What is known of it.
    pub attributes: Vec<(Name, Value)>,
}

// === impl Value ===

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::Shared(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<u16> for Value {
    fn from(value: u16) -> Self {
        Self::Int(value.into())
    }
}

impl From<u64> for Value {
    /// What OTLP has no number for is its largest.
    fn from(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}
