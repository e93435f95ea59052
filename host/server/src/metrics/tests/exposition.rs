//! A strict reader of what Prometheus reads: every line is one that may be there, each family comes once, in one piece and
//! with its head, no series twice, and what buckets say holds.

use std::collections::BTreeMap;

use super::Format;

/// The series by name and labels, as they are written.
pub(super) struct Exposition(BTreeMap<(String, String), f64>);

// === impl Exposition ===

impl Exposition {
    /// The value of a series.
    pub(super) fn value(&self, name: &str, labels: &str) -> Option<f64> {
        self.0.get(&(name.to_owned(), labels.to_owned())).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All series, with their values.
    pub(super) fn into_series(self) -> BTreeMap<(String, String), f64> {
        self.0
    }
}

/// Reads a text, which must hold.
#[track_caller]
pub(super) fn check(text: &str, format: Format) -> Exposition {
    assert!(text.ends_with('\n'));
    let text = match format {
        Format::Text => text,
        Format::OpenMetrics => text.strip_suffix("# EOF\n").expect("it ends as OpenMetrics does"),
    };
    let (mut series, mut kinds, mut family) = (BTreeMap::new(), BTreeMap::new(), String::new());
    let mut help = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, said) = rest.split_once(' ').expect("a name and a text");
            assert!(!said.is_empty() && help.is_empty(), "{line}");
            name.clone_into(&mut help);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a kind");
            assert_eq!(std::mem::take(&mut help), name, "HELP stands before TYPE");
            assert!(kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} comes twice");
            name.clone_into(&mut family);
        } else if let Some(rest) = line.strip_prefix("# UNIT ") {
            let (name, unit) = rest.split_once(' ').expect("a name and a unit");
            assert!(format == Format::OpenMetrics && name == family && name.ends_with(&format!("_{unit}")), "{line}");
        } else {
            let (name, labels, value) = sample(line);
            assert!(belongs(&name, &family, &kinds[&family], format), "{line} is not of {family}");
            assert!(series.insert((name, labels), value).is_none(), "{line} comes twice");
        }
    }
    for (name, kind) in &kinds {
        if kind == "histogram" {
            check_histogram(name, &series);
        }
    }
    Exposition(series)
}

fn belongs(name: &str, family: &str, kind: &str, format: Format) -> bool {
    let ends: &[&str] = match (kind, format) {
        ("histogram", _) => &["_bucket", "_sum", "_count"],
        ("counter", Format::OpenMetrics) => &["_total"],
        ("info", Format::OpenMetrics) => &["_info"],
        ("counter", Format::Text) => {
            assert!(family.ends_with("_total"), "{family}");
            &[""]
        }
        ("gauge", _) => &[""],
        other => panic!("no kind that is written: {other:?}"),
    };
    ends.iter().any(|end| name.strip_suffix(end) == Some(family))
}

/// `NAME{LABEL="VALUE",…} NUMBER`.
fn sample(line: &str) -> (String, String, f64) {
    let (series, value) = line.rsplit_once(' ').expect("a series and a value");
    let value = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').expect("labels end")),
        None => (series, ""),
    };
    let is_name = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    assert!(is_name(name), "{line}");
    let mut rest = labels;
    let mut before = Vec::new();
    while !rest.is_empty() {
        let (label, quoted) = rest.split_once("=\"").expect("a label and its value");
        assert!(is_name(label) && !before.contains(&label), "{line}");
        before.push(label);
        let end = end_of_text(quoted).unwrap_or_else(|| panic!("no end of a value: {line}"));
        rest = quoted[end + 1..].strip_prefix(',').unwrap_or(&quoted[end + 1..]);
    }
    (name.to_owned(), labels.to_owned(), value)
}

/// Where the quote is that ends a value; only a backslash, a quote and `n` may be escaped.
fn end_of_text(quoted: &str) -> Option<usize> {
    let mut bytes = quoted.bytes().enumerate();
    loop {
        match bytes.next()? {
            (place, b'"') => return Some(place),
            (_, b'\\') => assert!(matches!(bytes.next()?.1, b'\\' | b'"' | b'n'), "{quoted}"),
            _ => {}
        }
    }
}

fn check_histogram(name: &str, series: &BTreeMap<(String, String), f64>) {
    let mut buckets = BTreeMap::<String, Vec<(f64, f64)>>::new();
    for ((own, labels), value) in series {
        if *own == format!("{name}_bucket") {
            let (of, bound) = labels.rsplit_once("le=\"").expect("a bound stands last");
            let bound = bound.strip_suffix('"').expect("it ends").replace("+Inf", "inf");
            let of = of.strip_suffix(',').unwrap_or(of).to_owned();
            buckets.entry(of).or_default().push((bound.parse().expect("a number"), *value));
        }
    }
    for (labels, mut buckets) in buckets {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{name}{{{labels}}} does not add up");
        let last = buckets.last().expect("one at least");
        let of = |end: &str| series.get(&(format!("{name}{end}"), labels.clone())).copied();
        assert!(last.0.is_infinite() && of("_count") == Some(last.1), "{name}{{{labels}}}");
        assert!(of("_sum").is_some_and(|sum| sum >= 0.0), "{name}{{{labels}}}");
    }
}
