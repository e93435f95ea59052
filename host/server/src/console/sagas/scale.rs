//! Where moments stand on the axis of a timeline.
//!
//! Steps of milliseconds stand beside waits of days, so the gaps between moments that follow each other are as wide as
//! the logarithm of their length: nothing vanishes, and what took longer is wider.

use std::time::Duration;

use switchyard_core::timestamp::Timestamp;

/// The width of no gap at all, against 1 for each power of ten of milliseconds.
const GAP_MIN: f64 = 0.4;

/// How far apart two labels of the axis are at least, in percent.
const LABELS_APART: f64 = 15.0;

/// An axis from the first moment, at 0 %, to the last, at 100 %.
#[derive(Clone, Debug, Default)]
pub(super) struct Scale {
    /// Moments in order, each once, with its place in percent.
    places: Vec<(Timestamp, f64)>,
}

/// A label of the axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Label {
    /// Where, in percent.
    pub(super) place: f64,
    /// How long after the first moment.
    pub(super) after: Duration,
}

// === impl Scale ===

impl Scale {
    /// The axis on which these moments have places.
    pub(super) fn of(moments: impl IntoIterator<Item = Timestamp>) -> Self {
        let mut moments: Vec<Timestamp> = moments.into_iter().collect();
        moments.sort_unstable();
        moments.dedup();
        let mut at = 0.0;
        let mut places: Vec<(Timestamp, f64)> = Vec::with_capacity(moments.len());
        for moment in moments {
            if let Some((before, _)) = places.last() {
                at += GAP_MIN + (1.0 + moment.since(*before).as_secs_f64() * 1_000.0).log10();
            }
            places.push((moment, at));
        }
        let whole = if at > 0.0 { at } else { 1.0 };
        for (_, place) in &mut places {
            *place = *place / whole * 100.0;
        }
        Self { places }
    }

    /// Where a moment is, in percent; one between two known ones is between their places.
    pub(super) fn place(&self, moment: Timestamp) -> f64 {
        let after = self.places.partition_point(|(known, _)| *known < moment);
        match (after.checked_sub(1).and_then(|before| self.places.get(before)), self.places.get(after)) {
            (_, Some((known, place))) if *known == moment => *place,
            (Some((from, left)), Some((to, right))) => {
                let share = moment.since(*from).as_secs_f64() / to.since(*from).as_secs_f64().max(f64::MIN_POSITIVE);
                left + (right - left) * share
            }
            (Some(_), None) => 100.0,
            (None, _) => 0.0,
        }
    }

    /// The first moment.
    pub(super) fn first(&self) -> Option<Timestamp> {
        self.places.first().map(|(moment, _)| *moment)
    }

    /// Labels that have room beside each other; the first and the last moment have one.
    pub(super) fn labels(&self) -> Vec<Label> {
        let (Some(first), Some((last, _))) = (self.first(), self.places.last()) else { return Vec::new() };
        let mut labels: Vec<Label> = Vec::new();
        for (moment, place) in &self.places {
            let has_room = labels.last().is_none_or(|label| place - label.place >= LABELS_APART);
            let is_last = moment == last;
            if is_last && !has_room && labels.len() > 1 {
                labels.pop();
            }
            if has_room || is_last {
                labels.push(Label { place: *place, after: moment.since(first) });
            }
        }
        labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(moments: &[u64]) -> Scale {
        Scale::of(moments.iter().map(|moment| Timestamp(*moment)))
    }

    #[test]
    fn longer_gaps_are_wider_and_short_ones_stay_visible() {
        let scale = of(&[0, 1, 1_000, 86_401_000]);
        let places: Vec<f64> = [0, 1, 1_000, 86_401_000].map(|moment| scale.place(Timestamp(moment))).into();
        assert_eq!((places[0], places[3]), (0.0, 100.0));
        assert!(places[1] > 3.0, "{places:?}");
        assert!(places[2] - places[1] > places[1] && places[3] - places[2] > places[2] - places[1], "{places:?}");
    }

    #[test]
    fn a_moment_beside_the_known_ones_has_a_place() {
        let scale = of(&[10, 20]);
        assert_eq!([0, 10, 15, 20, 99].map(|moment| scale.place(Timestamp(moment))), [0.0, 0.0, 50.0, 100.0, 100.0]);
        assert_eq!(of(&[]).place(Timestamp(7)), 0.0);
        assert_eq!(of(&[7, 7]).place(Timestamp(7)), 0.0);
    }

    #[test]
    fn labels_do_not_overlap() {
        let moments: Vec<u64> = (0..200).map(|n| n * n).collect();
        let labels = of(&moments).labels();
        assert!(labels.windows(2).all(|pair| pair[1].place - pair[0].place >= LABELS_APART), "{labels:?}");
        assert_eq!((labels[0].place, labels.last().map(|label| label.place)), (0.0, Some(100.0)));
        assert!(of(&[]).labels().is_empty());
        assert_eq!(of(&[5]).labels().len(), 1);
    }
}
