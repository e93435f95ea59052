//! Spans as OTLP has them.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, any_value},
    trace::v1::{
        ResourceSpans, ScopeSpans, Span as ProtoSpan, Status as ProtoStatus,
        span::{Event, Link as ProtoLink, SpanKind},
        status::StatusCode,
    },
};
use prost::Message;
use switchyard_core::trace::{Kind, Link, Name, Span, SpanEvent, Status, Value};

use super::Exporter;

/// The request that carries these spans: those of the host, and those that guests recorded themselves, apart.
pub(super) fn request(exporter: &Exporter, spans: Vec<Span>) -> Bytes {
    let mut by_scope: BTreeMap<Option<Arc<str>>, Vec<ProtoSpan>> = BTreeMap::new();
    for mut span in spans {
        by_scope.entry(span.scope.take()).or_default().push(proto(span));
    }
    let scopes = by_scope.into_iter().map(|(scope, spans)| {
        let scope = match scope {
            Some(name) => InstrumentationScope { name: name.as_ref().to_owned(), ..InstrumentationScope::default() },
            None => Exporter::scope(),
        };
        ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }
    });
    let resource_spans = ResourceSpans {
        resource: Some(exporter.resource().clone()),
        scope_spans: scopes.collect(),
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }.encode_to_vec().into()
}

fn proto(span: Span) -> ProtoSpan {
    ProtoSpan {
        trace_id: span.trace_id.to_vec(),
        span_id: span.span_id.to_vec(),
        parent_span_id: span.parent_id.map_or_else(Vec::new, |id| id.to_vec()),
        flags: u32::from(span.flags),
        name: span.name.into_owned(),
        kind: kind(span.kind).into(),
        start_time_unix_nano: span.start,
        end_time_unix_nano: span.end,
        attributes: attributes(span.attributes),
        events: span.events.into_iter().map(event).collect(),
        links: span.links.into_iter().map(link).collect(),
        status: status(span.status),
        ..ProtoSpan::default()
    }
}

fn kind(kind: Kind) -> SpanKind {
    match kind {
        Kind::Internal => SpanKind::Internal,
        Kind::Server => SpanKind::Server,
        Kind::Client => SpanKind::Client,
        Kind::Producer => SpanKind::Producer,
        Kind::Consumer => SpanKind::Consumer,
    }
}

fn status(status: Status) -> Option<ProtoStatus> {
    match status {
        Status::Unset => None,
        Status::Ok => Some(ProtoStatus { code: StatusCode::Ok.into(), message: String::new() }),
        Status::Error(message) => Some(ProtoStatus { code: StatusCode::Error.into(), message }),
    }
}

fn event(event: SpanEvent) -> Event {
    Event {
        time_unix_nano: event.at,
        name: event.name.into_owned(),
        attributes: attributes(event.attributes),
        ..Event::default()
    }
}

fn link(link: Link) -> ProtoLink {
    ProtoLink {
        trace_id: link.trace_id.to_vec(),
        span_id: link.span_id.to_vec(),
        attributes: attributes(link.attributes),
        ..ProtoLink::default()
    }
}

fn attributes(attributes: Vec<(Name, Value)>) -> Vec<KeyValue> {
    let attribute = |(name, said): (Name, Value)| KeyValue {
        key: name.into_owned(),
        value: Some(value(said)),
        ..KeyValue::default()
    };
    attributes.into_iter().map(attribute).collect()
}

fn value(value: Value) -> AnyValue {
    use any_value::Value as Proto;
    let value = match value {
        Value::Text(text) => Proto::StringValue(text.into_owned()),
        Value::Shared(text) => Proto::StringValue(text.as_ref().to_owned()),
        Value::Int(number) => Proto::IntValue(number),
        Value::Double(number) => Proto::DoubleValue(number),
        Value::Bool(is) => Proto::BoolValue(is),
        Value::List(values) => Proto::ArrayValue(ArrayValue { values: values.into_iter().map(self::value).collect() }),
    };
    AnyValue { value: Some(value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Otlp;

    #[test]
    fn all_that_is_known_of_a_span_is_sent() {
        let span = Span {
            trace_id: [1; 16],
            span_id: [2; 8],
            parent_id: Some([3; 8]),
            flags: 1,
            name: "GET /a".into(),
            kind: Kind::Server,
            start: 5,
            end: 9,
            attributes: vec![("a".into(), 7_u32.into()), ("b".into(), Value::List(vec!["x".into(), true.into()]))],
            status: Status::Error("no".to_owned()),
            links: vec![Link { trace_id: [4; 16], span_id: [5; 8], attributes: Vec::new() }],
            events: vec![SpanEvent { name: "exception".into(), at: 6, attributes: vec![("m".into(), "t".into())] }],
            scope: None,
        };
        let of_guest = Span { parent_id: None, scope: Some("shop".into()), ..span.clone() };
        let exporter = Exporter::new(Otlp { endpoint: "http://127.0.0.1:9".to_owned(), headers: Vec::new() });
        let request = request(&exporter, vec![span, of_guest]);
        let mut decoded = ExportTraceServiceRequest::decode(request).unwrap();
        let of_resource = decoded.resource_spans.remove(0);
        assert!(of_resource.resource.unwrap().attributes.iter().any(|one| one.key == "service.name"));
        let scopes: Vec<_> = of_resource.scope_spans.iter().map(|of| of.scope.clone().unwrap().name).collect();
        assert_eq!(scopes, ["switchyard", "shop"]);
        let sent = &of_resource.scope_spans[0].spans[0];
        assert_eq!((sent.trace_id.len(), &sent.parent_span_id), (16, &vec![3; 8]));
        assert_eq!((sent.name.as_str(), sent.kind(), sent.start_time_unix_nano), ("GET /a", SpanKind::Server, 5));
        assert_eq!(
            sent.status.as_ref().map(|status| (status.code(), status.message.as_str())),
            Some((StatusCode::Error, "no"))
        );
        assert_eq!(
            (sent.events[0].name.as_str(), sent.links[0].span_id.len(), sent.attributes.len()),
            ("exception", 8, 2)
        );
        assert!(of_resource.scope_spans[1].spans[0].parent_span_id.is_empty());
    }
}
