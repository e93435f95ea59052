//! States, moments and figures as people read them.

use std::time::Duration;

use maud::{Markup, html};
use serde_json::Value;
use switchyard_core::{timestamp::Timestamp, units::HumanDuration};

use super::text::{attribute, dash, text};

/// What a state means for who looks at it. Each has a colour and a shape of its own, and its word stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// As it should be.
    Good,
    /// Under way, or to be watched.
    Watch,
    /// Somebody should look.
    Bad,
    /// Neither good nor bad.
    Plain,
    /// Chosen by an operator.
    Forced,
}

// === impl Tone ===

impl Tone {
    /// What the states of plugins, services, breakers, sagas and the rest mean.
    pub(super) fn of(state: &str) -> Self {
        match state {
            "active" | "healthy" | "closed" | "completed" | "ok" | "live" | "ready" | "running" | "up" | "success" => {
                Self::Good
            }
            "loading" | "draining" | "half-open" | "half_open" | "degraded" | "warning" | "warn" | "compensating"
            | "starting" | "stopping" | "started" | "pending" | "staged" | "retrying" | "waiting" | "canary" => {
                Self::Watch
            }
            "failed" | "unhealthy" | "open" | "stuck" | "error" | "down" | "dead" | "refused" => Self::Bad,
            "forced-open" | "forced-closed" | "forced_open" | "forced_closed" | "disabled" | "measuring" | "paused" => {
                Self::Forced
            }
            _ => Self::Plain,
        }
    }

    /// The class of its colour and shape.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Watch => "watch",
            Self::Bad => "bad",
            Self::Plain => "plain",
            Self::Forced => "forced",
        }
    }

    /// The path data of its shape, 10 by 10.
    pub(super) fn shape(self) -> &'static str {
        match self {
            Self::Good => "M5 1a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
            Self::Watch => "M5 .8 9.400 8.800H.6z",
            Self::Bad => "M1.200 1.200h7.600v7.600H1.200z",
            Self::Plain => {
                "M5 1a4 4 0 1 0 0 8 4 4 0 0 0 0-8zm0 1.800a2.200 2.200 0 1 1 0 4.400 2.200 2.200 0 0 1 0-4.400z"
            }
            Self::Forced => "M5 .4 9.600 5 5 9.600.4 5z",
        }
    }
}

/// A state, with its shape and colour.
pub(super) fn badge(state: &str) -> Markup {
    badge_as(Tone::of(state), state)
}

/// A word with the shape and colour of this tone.
pub(super) fn badge_as(tone: Tone, word: &str) -> Markup {
    html! {
        span.badge.(tone.class()) {
            svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true" { path d=(tone.shape()) fill-rule="evenodd" {} }
            (text(word))
        }
    }
}

/// A word in a frame: a role, a tag, a method.
pub(super) fn tag(word: &str) -> Markup {
    // What is longer than a tag is wide can be read in its title.
    let whole = (word.chars().count() > 24).then(|| attribute(word));
    html! { span.tag title=[&whole] { (text(word)) } }
}

/// A moment of JSON, as how long ago it was; the moment itself is its title.
pub(super) fn time(moment: &Value, now: Timestamp) -> Markup {
    let Some(shown) = moment.as_str() else { return dash() };
    let Ok(at) = shown.parse::<Timestamp>() else { return text(shown) };
    let ago = if at > now { format!("in {}", span(at.since(now))) } else { format!("{} ago", span(now.since(at))) };
    html! { time datetime=(at) title=(clock(at)) { (ago) } }
}

/// A moment as date and time of day, in UTC.
pub(super) fn clock(at: Timestamp) -> String {
    at.to_string().replace('T', " ").replace('Z', " UTC")
}

/// The time of day of a moment of JSON, in UTC; the moment itself is its title.
pub(super) fn time_of_day(moment: &Value) -> Markup {
    let Some(shown) = moment.as_str() else { return dash() };
    let Ok(at) = shown.parse::<Timestamp>() else { return text(shown) };
    let exact = at.to_string();
    html! { time.clock datetime=(exact) title=(clock(at)) { (exact.get(11..23).unwrap_or(&exact)) } }
}

/// A length of time in its largest unit: `1.4 s`, `12 min`, `3 h`, `5 d`.
pub(super) fn span(length: Duration) -> String {
    let s = length.as_secs();
    match s {
        0 => format!("{} ms", length.as_millis()),
        1..=9 => format!("{:.1} s", length.as_secs_f64()),
        10..=119 => format!("{s} s"),
        120..=7_199 => format!("{} min", s / 60),
        7_200..=172_799 => format!("{} h", s / 3_600),
        _ => format!("{} d", s / 86_400),
    }
}

/// A duration of JSON, as `6179ms`, as people read it.
pub(super) fn duration(value: &Value) -> Markup {
    let Some(shown) = value.as_str() else { return dash() };
    match shown.parse::<HumanDuration>() {
        Ok(length) => html! { (span(length.0)) },
        Err(_) => text(shown),
    }
}

/// A whole number with thin spaces between its thousands.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + 6);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push('\u{202f}');
        }
        shown.push(digit);
    }
    shown
}

/// A figure of JSON; a dash when there is none.
pub(super) fn figure(value: &Value) -> Markup {
    match (value.as_u64(), value.as_f64()) {
        (Some(number), _) => html! { (count(number)) },
        (_, Some(number)) => html! { (decimal(number)) },
        _ => dash(),
    }
}

/// A number with as many digits as say something.
pub(super) fn decimal(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        size if size < 10.0 => format!("{number:.2}"),
        size if size < 100.0 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

/// Milliseconds of JSON.
pub(super) fn ms(value: &Value) -> Markup {
    value.as_f64().map_or_else(dash, |ms| html! { (millis(ms)) })
}

/// Milliseconds, in ms or s.
pub(super) fn millis(ms: f64) -> String {
    if ms >= 10_000.0 { format!("{} s", decimal(ms / 1_000.0)) } else { format!("{} ms", decimal(ms)) }
}

/// Bytes in the largest binary unit.
pub(super) fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut size, mut unit) = (number, 0);
    let mut rest = 0;
    while size >= 1_024 && unit + 1 < UNITS.len() {
        (rest, size, unit) = (size % 1_024, size / 1_024, unit + 1);
    }
    match (unit, size) {
        (0, _) | (_, 100..) => format!("{size} {}", UNITS[unit]),
        _ => format!("{size}.{} {}", rest * 10 / 1_024, UNITS[unit]),
    }
}

/// A share of one, in percent.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", decimal(share * 100.0))
}

/// Digits of a hash, the first twelve of them; all are its title.
pub(super) fn digest(value: &Value) -> Markup {
    match value.as_str() {
        Some(digits) => html! { code title=(attribute(digits)) { (text(digits.get(..12).unwrap_or(digits))) } },
        None => dash(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(count(1_234_567).replace('\u{202f}', " "), "1 234 567");
        assert_eq!((count(0), count(999)), ("0".to_owned(), "999".to_owned()));
        for (number, shown) in
            [(0, "0 B"), (1_023, "1023 B"), (1_536, "1.5 KiB"), (300 << 20, "300 MiB"), (5 << 40, "5.0 TiB")]
        {
            assert_eq!(bytes(number), shown);
        }
        for (ms, shown) in [
            (5, "5 ms"),
            (1_400, "1.4 s"),
            (61_000, "61 s"),
            (150_000, "2 min"),
            (7_200_000, "2 h"),
            (200_000_000, "2 d"),
        ] {
            assert_eq!(span(Duration::from_millis(ms)), shown);
        }
        assert_eq!(
            (millis(0.5), millis(12.34), millis(12_340.0)),
            ("0.50 ms".into(), "12.3 ms".into(), "12.3 s".into())
        );
    }

    #[test]
    fn moments_are_relative_and_exact() {
        let now: Timestamp = "2026-01-01T00:02:00Z".parse().unwrap();
        let shown = time(&"2026-01-01T00:00:00Z".into(), now).into_string();
        assert!(shown.contains("2 min ago") && shown.contains("2026-01-01 00:00:00.000 UTC"), "{shown}");
        assert!(time(&"2026-01-01T00:02:05Z".into(), now).into_string().contains("in 5.0 s"));
        assert!(time(&"<b>".into(), now).into_string().contains("&lt;b&gt;"));
        assert_eq!(time_of_day(&"2026-01-01T10:20:30.5Z".into()).into_string().matches("10:20:30.500").count(), 3);
    }
}
