//! Small charts, drawn on the server: SVG with attributes alone, since the page permits no styles of its own.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::text::attribute;

/// The width and height that a spark is drawn in; the page stretches it.
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 40.0;

/// A line over time, with an area below. `what` is read out; the newest value comes last. The scale begins at nothing, and
/// a value that is not there leaves a gap.
pub(super) fn spark(what: &str, values: &[Option<f64>], class: &'static str) -> Markup {
    let most = values.iter().flatten().copied().fold(0.0_f64, f64::max);
    let scale = if most > 0.0 { (HEIGHT - 3.0) / most } else { 0.0 };
    let step = WIDTH / (values.len().max(2) - 1) as f64;
    let (mut line, mut area, mut begun) = (String::new(), String::new(), None);
    for (at, value) in values.iter().enumerate() {
        let x = at as f64 * step;
        match (value, begun) {
            (Some(value), _) => {
                let y = HEIGHT - 1.5 - value * scale;
                if begun.is_none() {
                    // Writing to a string cannot fail.
                    _ = write!(area, "M{x:.1} {HEIGHT}L{x:.1} {y:.1}");
                    _ = write!(line, "M{x:.1} {y:.1}");
                    begun = Some(x);
                } else {
                    _ = write!(area, "L{x:.1} {y:.1}");
                    _ = write!(line, "L{x:.1} {y:.1}");
                }
            }
            (None, Some(_)) => {
                _ = write!(area, "L{:.1} {HEIGHT}Z", x - step);
                begun = None;
            }
            (None, None) => {}
        }
    }
    if begun.is_some() {
        _ = write!(area, "L{:.1} {HEIGHT}Z", (values.len() - 1) as f64 * step);
    }
    html! {
        svg.spark.(class) viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(attribute(what)) {
            path.base d={ "M0 " (HEIGHT - 0.5) "H" (WIDTH) } vector-effect="non-scaling-stroke" {}
            path.area d=(area) {}
            path.line d=(line) vector-effect="non-scaling-stroke" {}
        }
    }
}

/// A share of one as a bar.
pub(super) fn bar(what: &str, share: f64, class: &'static str) -> Markup {
    let width = share.clamp(0.0, 1.0) * 100.0;
    html! {
        svg.bar.(class) viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label=(attribute(what)) {
            rect.track x="0" y="0" width="100" height="6" rx="3" {}
            rect.filled x="0" y="0" width=(format!("{width:.1}")) height="6" rx="3" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spark_has_gaps_where_nothing_was_measured() {
        let drawn = spark("calls", &[Some(1.0), Some(2.0), None, Some(4.0)], "rate").into_string();
        assert_eq!(drawn.matches('Z').count(), 2, "{drawn}");
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        for values in [&[][..], &[None], &[Some(0.0)], &[Some(0.0), Some(0.0)]] {
            let drawn = spark("calls", values, "rate").into_string();
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        }
    }
}
