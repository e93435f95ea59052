//! What the journal of a saga tells, as bars on lanes: each attempt of each step in either direction, waits, and pauses.

use serde_json::Value;
use switchyard_core::timestamp::Timestamp;

use super::scale::Scale;

/// What a timeline shows.
#[derive(Debug, Default)]
pub(super) struct Story {
    /// Bars, in the order in which they begin.
    pub(super) bars: Vec<Bar>,
    /// Moments that concern the whole saga.
    pub(super) turns: Vec<Turn>,
    /// The axis of both.
    pub(super) scale: Scale,
}

/// Something that took time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bar {
    pub(super) step: u64,
    pub(super) is_undo: bool,
    pub(super) kind: Kind,
    pub(super) from: Timestamp,
    /// When it ended; now, when it has not.
    pub(super) to: Timestamp,
    pub(super) attempt: Option<u64>,
    /// Why it failed, or what ended it.
    pub(super) detail: Option<String>,
}

/// What a bar is, and how that went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An attempt or a wait is under way.
    Open,
    /// An attempt succeeded.
    Done,
    /// An attempt failed.
    Failed,
    /// It could not be sent, or was told to come later.
    Deferred,
    /// A wait that ended well.
    Waited,
    /// A wait that ended in a failure.
    WaitFailed,
    /// The pause before the next attempt.
    Pause,
}

/// A moment at which the whole saga turned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) at: Timestamp,
    /// What happened.
    pub(super) what: &'static str,
    pub(super) detail: Option<String>,
}

// === impl Story ===

impl Story {
    /// The story that these lines of a history tell, oldest first; what is open lasts until `now`.
    pub(super) fn of(lines: &[Value], now: Timestamp) -> Self {
        let mut story = Self::default();
        for line in lines {
            let Some(at) = moment(line, "at") else { continue };
            story.tell(line, at);
        }
        for bar in &mut story.bars {
            if matches!(bar.kind, Kind::Open) {
                bar.to = now.max(bar.from);
            }
        }
        let ends = story.bars.iter().flat_map(|bar| [bar.from, bar.to]);
        let told = lines.iter().filter_map(|line| moment(line, "at"));
        story.scale = Scale::of(ends.chain(told));
        story
    }

    /// How long after the beginning a moment is.
    pub(super) fn after(&self, moment: Timestamp) -> std::time::Duration {
        self.scale.first().map(|first| moment.since(first)).unwrap_or_default()
    }

    fn tell(&mut self, line: &Value, at: Timestamp) {
        match line["event"].as_str().unwrap_or_default() {
            "intended" => self.begin(line, at, Kind::Open),
            "succeeded" => self.end(line, at, Kind::Done),
            "failed" => {
                self.end(line, at, Kind::Failed);
                if line["until"].is_string() {
                    self.begin(line, at, Kind::Pause);
                }
            }
            "deferred" => {
                self.end(line, at, Kind::Deferred);
                self.begin(line, at, Kind::Pause);
            }
            "waitStarted" => self.begin(line, at, Kind::Open),
            "timerFired" | "signalReceived" => self.end(line, at, Kind::Waited),
            "waitFailed" => self.end(line, at, Kind::WaitFailed),
            "cancelled" => self.turn(line, at, "cancelled"),
            "compensationForced" => self.turn(line, at, "undone by an operator"),
            "compensationStarted" => self.turn(line, at, "turned back"),
            "retried" => self.turn(line, at, "retried by an operator"),
            "stuck" => self.turn(line, at, "stuck"),
            "resumed" => self.turn(line, at, "taken over"),
            _ => {}
        }
    }

    fn begin(&mut self, line: &Value, at: Timestamp, kind: Kind) {
        let (step, is_undo) = lane(line);
        if let Some(pause) = self.last(step, is_undo).filter(|bar| bar.kind == Kind::Pause) {
            pause.to = at;
        }
        let is_pause = kind == Kind::Pause;
        let attempt = line["attempt"].as_u64().filter(|_| !is_pause);
        // A pause that nothing has ended yet lasts until the moment that it was given.
        let to = if is_pause { moment(line, "until").unwrap_or(at) } else { at };
        self.bars.push(Bar { step, is_undo, kind, from: at, to, attempt, detail: None });
    }

    fn end(&mut self, line: &Value, at: Timestamp, kind: Kind) {
        let (step, is_undo) = lane(line);
        if let Some(bar) = self.last(step, is_undo).filter(|bar| bar.kind == Kind::Open) {
            bar.kind = kind;
            bar.to = at;
            bar.detail = line["detail"].as_str().map(str::to_owned);
        }
    }

    fn turn(&mut self, line: &Value, at: Timestamp, what: &'static str) {
        self.turns.push(Turn { at, what, detail: line["detail"].as_str().map(str::to_owned) });
    }

    fn last(&mut self, step: u64, is_undo: bool) -> Option<&mut Bar> {
        self.bars.iter_mut().rev().find(|bar| bar.step == step && bar.is_undo == is_undo)
    }
}

fn lane(line: &Value) -> (u64, bool) {
    (line["step"].as_u64().unwrap_or_default(), line["direction"] == "compensation")
}

/// The moment that a member holds.
pub(super) fn moment(value: &Value, member: &str) -> Option<Timestamp> {
    value[member].as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(at: u64, event: &str, more: Value) -> Value {
        let mut line = json!({"at": Timestamp(at), "event": event});
        let members = line.as_object_mut().expect("an object");
        members.extend(more.as_object().expect("an object").clone());
        line
    }

    #[test]
    fn attempts_and_the_pauses_between_them_are_bars() {
        let lines = [
            line(0, "started", json!({})),
            line(1, "intended", json!({"step": 0, "direction": "forward", "attempt": 1})),
            line(
                5,
                "failed",
                json!({"step": 0, "direction": "forward", "attempt": 1, "until": Timestamp(9), "detail": "no"}),
            ),
            line(9, "intended", json!({"step": 0, "direction": "forward", "attempt": 2})),
        ];
        let story = Story::of(&lines, Timestamp(20));
        let told: Vec<_> = story.bars.iter().map(|bar| (bar.kind, bar.from.0, bar.to.0, bar.attempt)).collect();
        assert_eq!(
            told,
            [(Kind::Failed, 1, 5, Some(1)), (Kind::Pause, 5, 9, None), (Kind::Open, 9, 20, Some(2))],
            "{story:?}"
        );
        assert_eq!(story.bars[0].detail.as_deref(), Some("no"));
    }

    #[test]
    fn a_compensation_has_a_lane_of_its_own() {
        let command = |direction: &str| json!({"step": 0, "direction": direction, "attempt": 1});
        let lines = [
            line(0, "intended", command("forward")),
            line(3, "succeeded", command("forward")),
            line(4, "compensationStarted", json!({"detail": "later"})),
            line(4, "intended", command("compensation")),
            line(8, "succeeded", command("compensation")),
        ];
        let story = Story::of(&lines, Timestamp(20));
        let told: Vec<_> = story.bars.iter().map(|bar| (bar.is_undo, bar.kind)).collect();
        assert_eq!(told, [(false, Kind::Done), (true, Kind::Done)]);
        assert_eq!(story.turns, [Turn { at: Timestamp(4), what: "turned back", detail: Some("later".into()) }]);
        assert_eq!(story.scale.place(Timestamp(8)), 100.0);
    }

    #[test]
    fn lines_that_make_no_sense_tell_nothing() {
        let lines =
            [json!(null), json!({"at": "soon"}), line(1, "succeeded", json!({"step": "x"})), line(2, "?", json!({}))];
        let story = Story::of(&lines, Timestamp(3));
        assert!(story.bars.is_empty() && story.turns.is_empty());
    }
}
