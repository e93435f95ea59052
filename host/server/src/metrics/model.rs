//! Families of figures, and the figures in them at one moment; whatever they are written in.

use std::{borrow::Cow, collections::BTreeMap};

use switchyard_core::histogram::Distribution;

/// The most series of a family, as OpenTelemetry's own limit is by default; the rest is added up in one, which says of
/// itself that it is no ordinary one ([`OVERFLOW`]).
pub(crate) const SERIES_MAX: usize = 2_000;

/// The attribute of the series that all those beyond [`SERIES_MAX`] are added up in.
pub(crate) const OVERFLOW: &str = "otel.metric.overflow";

/// A family of series: one thing that is counted, for each of several.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Family {
    /// Its name as OpenTelemetry writes it, with dots.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// In UCUM: `s`, `By`, or what is counted, in braces.
    pub(crate) unit: &'static str,
    /// What tells its series apart.
    pub(crate) attributes: &'static [&'static str],
    /// What it says, in one sentence without a stop.
    pub(crate) help: &'static str,
}

/// What a figure does over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It only grows, until the host starts anew.
    Counter,
    /// It rises and falls, and adds up over hosts: OpenTelemetry's UpDownCounter.
    Level,
    /// It is as it is now, and does not add up.
    Gauge,
    /// Durations.
    Histogram,
    /// It is always 1; its attributes are what it says.
    Info,
}

/// A figure.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Point {
    Whole(u64),
    Real(f64),
    Durations(Box<Distribution>),
}

/// The value of an attribute; none where the series does not have it.
pub(crate) type Label = Option<Cow<'static, str>>;

/// The series of one family.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) family: &'static Family,
    /// By the values of the family's attributes, in their order.
    pub(crate) points: BTreeMap<Vec<Label>, Point>,
    /// All series that came when there was no room.
    pub(crate) overflow: Option<Point>,
}

/// All that was gathered.
#[derive(Debug, Default)]
pub(crate) struct Gathered(pub(crate) Vec<Series>);

// === impl Gathered ===

impl Gathered {
    /// The series of a family, to be filled. Each family comes once.
    pub(crate) fn family(&mut self, family: &'static Family) -> &mut Series {
        debug_assert!(self.0.iter().all(|series| series.family.name != family.name), "{} comes twice", family.name);
        self.0.push(Series { family, points: BTreeMap::new(), overflow: None });
        self.0.last_mut().expect("it was put there")
    }

    /// The one figure of a family without attributes.
    pub(crate) fn sole(&mut self, family: &'static Family, point: impl Into<Point>) {
        self.family(family).add([], point);
    }
}

// === impl Series ===

impl Series {
    /// Puts a figure in. What has the same attributes is added up: two instances of a service are one to who looks at
    /// services.
    pub(crate) fn add<const N: usize>(&mut self, labels: [Label; N], point: impl Into<Point>) {
        debug_assert_eq!(N, self.family.attributes.len(), "{}", self.family.name);
        let (labels, point) = (labels.to_vec(), point.into());
        let is_full = self.points.len() >= SERIES_MAX;
        match self.points.get_mut(&labels) {
            Some(there) => there.add(point),
            None if is_full => self.add_to_overflow(point),
            None => _ = self.points.insert(labels, point),
        }
    }

    /// Puts a figure in that stands for several already.
    pub(crate) fn add_to_overflow(&mut self, point: impl Into<Point>) {
        let point = point.into();
        match &mut self.overflow {
            Some(there) => there.add(point),
            none => *none = Some(point),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.points.is_empty() && self.overflow.is_none()
    }
}

// === impl Point ===

impl Point {
    fn add(&mut self, other: Self) {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => *a = a.saturating_add(b),
            (Self::Real(a), Self::Real(b)) => *a += b,
            (Self::Durations(a), Self::Durations(b)) => a.add(&b),
            (a, b) => debug_assert!(false, "{a:?} and {b:?} are of one family"),
        }
    }
}

impl From<u64> for Point {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<usize> for Point {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}

impl From<std::time::Duration> for Point {
    fn from(value: std::time::Duration) -> Self {
        Self::Real(value.as_secs_f64())
    }
}

impl From<Distribution> for Point {
    fn from(value: Distribution) -> Self {
        Self::Durations(Box::new(value))
    }
}

/// The label of something that has a name.
pub(crate) fn label(name: impl ToString) -> Label {
    Some(Cow::Owned(name.to_string()))
}

/// The label of one of a few things that are known by name.
pub(crate) fn word(name: &'static str) -> Label {
    Some(Cow::Borrowed(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    static FAMILY: Family =
        Family { name: "a.b", kind: Kind::Counter, unit: "{thing}", attributes: &["c"], help: "Things" };

    #[test]
    fn what_has_the_same_attributes_is_added_up_and_what_is_too_much_is_counted_together() {
        let mut gathered = Gathered::default();
        let series = gathered.family(&FAMILY);
        (0..SERIES_MAX + 5).for_each(|n| series.add([label(n)], 1_u64));
        series.add([label(3)], 2_u64);
        assert_eq!((series.points.len(), series.overflow.clone()), (SERIES_MAX, Some(Point::Whole(5))));
        assert_eq!(series.points[&vec![label(3)]], Point::Whole(3));
    }
}
