//! What is written is what Prometheus reads, and METRICS.md says what is written.

mod exposition;

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use switchyard_core::histogram::{Histogram, REQUESTS};

use self::exposition::check;
use super::{
    Format, catalog, encode,
    model::{Family, Gathered, Kind, SERIES_MAX, label, word},
    prometheus::{base_name, sample_name},
};

static THINGS: Family =
    Family { name: "a.things", kind: Kind::Counter, unit: "{thing}", attributes: &["b.c", "d"], help: "Things" };
static TIMES: Family = Family { name: "a.time", kind: Kind::Histogram, unit: "s", attributes: &["b.c"], help: "Times" };
static SIZE: Family = Family { name: "a.size", kind: Kind::Gauge, unit: "By", attributes: &[], help: "A size" };
static WHO: Family = Family { name: "who", kind: Kind::Info, unit: "", attributes: &["b.c"], help: "Who it is" };

/// One of each kind.
fn some() -> Gathered {
    let mut gathered = Gathered::default();
    let things = gathered.family(&THINGS);
    things.add([label("a \"b\" \\ c\nd"), None], 7_u64);
    things.add([None, word("x")], 1_u64);
    let times = Histogram::new(&REQUESTS);
    [4, 5, 2_000, 60_000].into_iter().for_each(|ms| times.record(Duration::from_millis(ms)));
    gathered.family(&TIMES).add([word("x")], times.read());
    gathered.sole(&SIZE, 1_u64 << 40);
    gathered.family(&WHO).add([word("me")], 1_u64);
    gathered
}

#[test]
fn what_is_written_is_what_prometheus_reads() {
    let read = check(&encode(&some(), Format::Text), Format::Text);
    assert_eq!(read.value("a_things_total", r#"b_c="a \"b\" \\ c\nd""#), Some(7.0));
    assert_eq!(read.value("a_things_total", r#"d="x""#), Some(1.0));
    assert_eq!(read.value("a_time_seconds_bucket", r#"b_c="x",le="0.005""#), Some(2.0));
    assert_eq!(read.value("a_time_seconds_bucket", r#"b_c="x",le="2.5""#), Some(3.0));
    assert_eq!(read.value("a_time_seconds_count", r#"b_c="x""#), Some(4.0));
    assert_eq!(read.value("a_time_seconds_sum", r#"b_c="x""#), Some(62.009));
    assert_eq!(read.value("a_size_bytes", ""), Some(f64::from(2).powi(40)));
    assert_eq!(read.value("who_info", r#"b_c="me""#), Some(1.0));
}

#[test]
fn a_series_is_the_same_one_in_either_format() {
    let series = |format| check(&encode(&some(), format), format).into_series();
    assert_eq!(series(Format::Text), series(Format::OpenMetrics));
}

#[test]
fn series_beyond_the_limit_are_one_that_says_so() {
    let mut gathered = Gathered::default();
    let things = gathered.family(&THINGS);
    (0..SERIES_MAX + 10).for_each(|n| things.add([label(n), None], 1_u64));
    let read = check(&encode(&gathered, Format::Text), Format::Text);
    assert_eq!(read.value("a_things_total", r#"otel_metric_overflow="true""#), Some(10.0));
    assert_eq!(read.len(), SERIES_MAX + 1);
}

#[track_caller]
fn check_accepted(accept: &str, format: Format) {
    let mut headers = HeaderMap::new();
    headers.insert("accept", HeaderValue::from_str(accept).expect("text"));
    assert_eq!(Format::accepted(&headers), format, "{accept}");
}

#[test]
fn who_would_rather_have_openmetrics_gets_it() {
    check_accepted("*/*", Format::Text);
    check_accepted("text/html", Format::Text);
    check_accepted("text/plain;version=0.0.4", Format::Text);
    check_accepted("application/openmetrics-text; version=1.0.0; charset=utf-8", Format::OpenMetrics);
    check_accepted("application/openmetrics-text;version=0.0.1", Format::Text);
    // As Prometheus 2 and 3 ask.
    check_accepted(
        "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
         text/plain;version=1.0.0;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
        Format::OpenMetrics,
    );
    check_accepted("text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.5", Format::Text);
}

fn families() -> impl Iterator<Item = &'static Family> {
    catalog::PAGES.into_iter().flat_map(|(_, families)| families.iter().copied())
}

#[test]
fn names_are_told_once_and_hold() {
    let mut seen = std::collections::BTreeSet::new();
    for family in families() {
        assert!(seen.insert(base_name(family)), "{} is there twice", family.name);
        assert!(!family.help.ends_with('.') && !family.help.contains('\n'), "{}", family.name);
        let is_name = |name: &str| {
            name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._".contains(&byte))
        };
        assert!(is_name(family.name) && family.attributes.iter().all(|name| is_name(name)), "{}", family.name);
    }
    assert_eq!(sample_name(&catalog::http::REQUESTS), "http_server_request_duration_seconds");
    assert_eq!(sample_name(&catalog::host::CPU), "process_cpu_time_seconds_total");
    assert_eq!(sample_name(&catalog::host::DISK), "switchyard_store_disk_free_bytes");
    assert_eq!(sample_name(&catalog::host::TARGET), "target_info");
}

/// `SWITCHYARD_WRITE_METRICS=1 cargo test -p switchyard metrics` writes it anew.
#[test]
fn metrics_md_says_what_there_is() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../METRICS.md");
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let expected = catalog::table::page(&written);
    if std::env::var_os("SWITCHYARD_WRITE_METRICS").is_some() {
        std::fs::write(&path, &expected).expect("METRICS.md can be written");
        return;
    }
    for (number, (is, should)) in written.lines().zip(expected.lines()).enumerate() {
        assert_eq!(
            is,
            should,
            "METRICS.md:{}: write it anew by SWITCHYARD_WRITE_METRICS=1 cargo nextest run -p switchyard metrics_md",
            number + 1
        );
    }
    assert_eq!(written.lines().count(), expected.lines().count(), "METRICS.md is not as long as it should be");
}
