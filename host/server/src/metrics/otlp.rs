//! The same in OTLP: cumulative from the start of the host.

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value},
    metrics::v1::{
        AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
        ScopeMetrics, Sum, metric::Data, number_data_point,
    },
};

use super::model::{Family, Gathered, Kind, Label, OVERFLOW, Point, Series};
use crate::telemetry::otlp::Exporter;

/// Attributes that are numbers; all others are texts.
const NUMBERS: [&str; 2] = ["http.response.status_code", "server.port"];

/// Between which moments was counted, in ns since 1970.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) start: u64,
    pub(super) now: u64,
}

/// What is gathered, as a request to a collector.
pub(super) fn request(gathered: &Gathered, exporter: &Exporter, span: Span) -> ExportMetricsServiceRequest {
    let there = gathered.0.iter().filter(|series| !series.is_empty());
    let metrics = there.filter_map(|series| metric(series, span)).collect();
    let scope = ScopeMetrics { scope: Some(Exporter::scope()), metrics, schema_url: String::new() };
    let resource = Some(exporter.resource().clone());
    let resource = ResourceMetrics { resource, scope_metrics: vec![scope], schema_url: String::new() };
    ExportMetricsServiceRequest { resource_metrics: vec![resource] }
}

fn metric(series: &Series, span: Span) -> Option<Metric> {
    let family = series.family;
    let data = match family.kind {
        Kind::Counter | Kind::Level => Data::Sum(Sum {
            data_points: numbers(series, span),
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
            is_monotonic: family.kind == Kind::Counter,
        }),
        Kind::Gauge => Data::Gauge(Gauge { data_points: numbers(series, span) }),
        Kind::Histogram => Data::Histogram(Histogram {
            data_points: durations(series, span),
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
        }),
        // The resource says it.
        Kind::Info => return None,
    };
    Some(Metric {
        name: family.name.to_owned(),
        description: format!("{}.", family.help),
        unit: family.unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    })
}

/// All points, each with its attributes.
fn points(series: &Series) -> impl Iterator<Item = (Vec<KeyValue>, &Point)> {
    let ordinary = series.points.iter().map(|(labels, point)| (attributes(series.family, labels), point));
    let overflow = series.overflow.iter().map(|point| {
        let value = any_value::Value::BoolValue(true);
        (vec![attribute(OVERFLOW, value)], point)
    });
    ordinary.chain(overflow)
}

fn numbers(series: &Series, span: Span) -> Vec<NumberDataPoint> {
    let numbers = points(series).filter_map(|(attributes, point)| {
        let value = match point {
            Point::Whole(value) => number_data_point::Value::AsInt(i64::try_from(*value).unwrap_or(i64::MAX)),
            Point::Real(value) => number_data_point::Value::AsDouble(*value),
            Point::Durations(_) => return None,
        };
        Some(NumberDataPoint {
            attributes,
            start_time_unix_nano: span.start,
            time_unix_nano: span.now,
            value: Some(value),
            ..NumberDataPoint::default()
        })
    });
    numbers.collect()
}

#[allow(clippy::cast_precision_loss, reason = "bounds are exact, and sums to a microsecond for a hundred days")]
fn durations(series: &Series, span: Span) -> Vec<HistogramDataPoint> {
    let durations = points(series).filter_map(|(attributes, point)| {
        let Point::Durations(counted) = point else { return None };
        Some(HistogramDataPoint {
            attributes,
            start_time_unix_nano: span.start,
            time_unix_nano: span.now,
            count: counted.count(),
            sum: Some(counted.sum_ns as f64 / 1e9),
            bucket_counts: counted.counts.to_vec(),
            explicit_bounds: counted.bounds.iter().map(|us| *us as f64 / 1e6).collect(),
            ..HistogramDataPoint::default()
        })
    });
    durations.collect()
}

fn attributes(family: &Family, labels: &[Label]) -> Vec<KeyValue> {
    let named = family.attributes.iter().zip(labels);
    let there = named.filter_map(|(name, label)| Some((*name, label.as_deref()?)));
    there.map(|(name, text)| attribute(name, value(name, text))).collect()
}

fn value(name: &str, text: &str) -> any_value::Value {
    match text.parse() {
        Ok(number) if NUMBERS.contains(&name) => any_value::Value::IntValue(number),
        _ => any_value::Value::StringValue(text.to_owned()),
    }
}

fn attribute(name: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use switchyard_core::histogram::{Histogram as Counted, REQUESTS};

    use super::*;
    use crate::{
        config::Otlp,
        metrics::{
            catalog::http,
            model::{label, word},
        },
    };

    #[test]
    fn figures_are_cumulative_and_their_attributes_have_their_types() {
        let mut gathered = Gathered::default();
        let counted = Counted::new(&REQUESTS);
        [5, 7_000].into_iter().for_each(|ms| counted.record(Duration::from_millis(ms)));
        gathered.family(&http::REQUESTS).add([word("GET"), label(200), None, word("http")], counted.read());
        let active = gathered.family(&http::ACTIVE);
        active.add([word("GET"), word("http")], 3_u64);
        active.add_to_overflow(1_u64);
        gathered.sole(&http::ACCEPTED, 9_u64);
        let exporter = Exporter::new(Otlp { endpoint: "http://127.0.0.1:9".to_owned(), headers: Vec::new() });
        let request = request(&gathered, &exporter, Span { start: 1, now: 2 });
        assert_eq!(request.resource_metrics[0].resource.as_ref(), Some(exporter.resource()));
        let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
        let names: Vec<_> = metrics.iter().map(|metric| (metric.name.as_str(), metric.unit.as_str())).collect();
        let expected = [
            ("http.server.request.duration", "s"),
            ("http.server.active_requests", "{request}"),
            ("switchyard.gateway.connections.accepted", "{connection}"),
        ];
        assert_eq!(names, expected);
        let cumulative = i32::from(AggregationTemporality::Cumulative);

        let Some(Data::Histogram(durations)) = &metrics[0].data else { panic!("{:?}", metrics[0]) };
        let point = &durations.data_points[0];
        assert_eq!((durations.aggregation_temporality, point.count, point.sum), (cumulative, 2, Some(7.005)));
        assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (1, 2));
        assert_eq!((point.explicit_bounds[0], point.bucket_counts[0], point.bucket_counts.len()), (0.005, 1, 15));
        let attributes: Vec<_> = point.attributes.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(attributes, ["http.request.method", "http.response.status_code", "url.scheme"]);
        let status = point.attributes[1].value.clone().and_then(|value| value.value);
        assert_eq!(status, Some(any_value::Value::IntValue(200)));

        let Some(Data::Sum(active)) = &metrics[1].data else { panic!("{:?}", metrics[1]) };
        assert_eq!((active.is_monotonic, active.data_points.len()), (false, 2));
        assert_eq!(active.data_points[1].attributes[0].key, OVERFLOW);
        let Some(Data::Sum(accepted)) = &metrics[2].data else { panic!("{:?}", metrics[2]) };
        assert_eq!((accepted.is_monotonic, accepted.aggregation_temporality), (true, cumulative));
        assert_eq!(accepted.data_points[0].value, Some(number_data_point::Value::AsInt(9)));
    }
}
