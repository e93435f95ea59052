//! What a run says: a line for each case, then what is wrong with those that are not as they should be.

use std::time::Duration;

use serde_json::{Value, json};
use switchyard_core::saga::{Definition, Direction, Status};

use super::{
    books::same,
    plan::{Case, Trouble},
    run::Ran,
    verdict::shown,
};
use crate::output::printable;

/// The width of columns whose words are known.
const DIRECTION: usize = "compensation".len();
const FAULT: usize = "crash-after-intent".len();
const END: usize = "completed".len();
const BOOKS: usize = "as left".len();
const TIME: usize = 6;

/// The most characters of what is said of a case in its line.
const NOTE_MAX: usize = 160;

/// How the cases of a definition are shown.
pub(super) struct Report<'a> {
    definition: &'a Definition,
    /// The width of the column of steps.
    steps: usize,
}

// === impl Report ===

impl<'a> Report<'a> {
    /// The report on this definition.
    pub(super) fn new(definition: &'a Definition) -> Self {
        let labels = (0..).zip(definition.steps()).map(|(index, _)| label(definition, index).chars().count());
        Self { definition, steps: labels.max().unwrap_or_default().max("STEP".len()) }
    }

    /// The headings of the table.
    pub(super) fn headings(&self) -> String {
        self.line(["STEP", "DIRECTION", "FAULT", "END", "BOOKS", "MS", "NOTE"])
    }

    /// The line of a case.
    pub(super) fn row(&self, ran: &Ran) -> String {
        let [step, direction, fault] = self.place(&ran.case);
        let end = ran.end.as_ref().map_or("-", |end| end.status.as_str());
        let is_stuck = ran.end.as_ref().is_some_and(|end| end.status == Status::Stuck);
        let books = match (&ran.wrong[..], ran.nets.is_empty() && ran.books.is_empty()) {
            ([_, ..], _) => "WRONG",
            ([], true) => "-",
            ([], false) if is_stuck => "as left",
            ([], false) => "balance",
        };
        let note = match (&ran.wrong[..], is_stuck) {
            ([first, ..], _) => first.clone(),
            ([], true) => self.left(ran),
            ([], false) => String::new(),
        };
        self.line([&step, &direction, &fault, end, books, &milliseconds(ran.took).to_string(), &cut(&printable(&note))])
    }

    /// A case that is not as it should be: what is wrong, and what has happened in its saga.
    pub(super) fn failure(&self, ran: &Ran) -> String {
        let place = self.place(&ran.case).into_iter().filter(|part| part != "-").collect::<Vec<_>>().join(", ");
        let mut lines = vec![format!("{}: {place}", ran.case.id())];
        lines.extend(ran.wrong.iter().map(|wrong| format!("  wrong: {}", printable(wrong))));
        lines.extend(ran.history.iter().map(|entry| format!("  {}", printable(&event(entry)))));
        lines.join("\n")
    }

    /// A case for programs.
    pub(super) fn json(&self, ran: &Ran) -> Value {
        let books =
            ran.books.iter().map(|entry| json!({"book": entry.book, "before": entry.before, "after": entry.after}));
        let nets = ran.nets.iter().map(|net| json!({"step": net.step, "net": net.times}));
        let mut case = json!({
            "sagaId": ran.case.id(),
            "status": ran.end.as_ref().map(|end| end.status),
            "error": ran.end.as_ref().and_then(|end| end.error.as_deref()),
            "simulated": nets.collect::<Vec<_>>(),
            "books": books.collect::<Vec<_>>(),
            "milliseconds": milliseconds(ran.took),
            "wrong": ran.wrong,
        });
        if let Some(Trouble { step, direction, fault, always, .. }) = ran.case.trouble {
            case["step"] = step.into();
            case["command"] = self.definition.command_step(step).and_then(|step| step.command(direction)).into();
            case["direction"] = direction.as_str().into();
            case["fault"] = fault.as_str().into();
            case["always"] = always.into();
        }
        if !ran.history.is_empty() {
            case["history"] = ran.history.as_slice().into();
        }
        case
    }

    /// Where a case has its fault, and which.
    fn place(&self, case: &Case) -> [String; 3] {
        let Some(Trouble { step, direction, fault, always, .. }) = case.trouble else {
            return ["-".to_owned(), "-".to_owned(), "none".to_owned()];
        };
        let fault = if always { format!("{} always", fault.as_str()) } else { fault.as_str().to_owned() };
        [label(self.definition, step), direction.as_str().to_owned(), fault]
    }

    /// Why a saga is stuck, and what it left: steps that are done, and books that are not as they were.
    fn left(&self, ran: &Ran) -> String {
        let error = ran.end.as_ref().and_then(|end| end.error.as_deref()).unwrap_or_default();
        let steps = ran.nets.iter().filter(|net| net.times != 0).map(|net| match net.times {
            1 => label(self.definition, net.step),
            times => format!("{} {times} times", label(self.definition, net.step)),
        });
        let books = ran.books.iter().filter(|entry| !same(&entry.before, &entry.after));
        let books = books.map(|entry| format!("{} {}", entry.book, shown(&entry.after)));
        let left = steps.chain(books).collect::<Vec<_>>().join(", ");
        format!("{error} (left: {})", if left.is_empty() { "nothing" } else { &left })
    }

    fn line(&self, [step, direction, fault, end, books, time, note]: [&str; 7]) -> String {
        let steps = self.steps;
        let line = format!(
            "{step:<steps$}  {direction:<DIRECTION$}  {fault:<FAULT$}  {end:<END$}  {books:<BOOKS$}  {time:>TIME$}  {note}"
        );
        line.trim_end().to_owned()
    }
}

/// How a run ended, in one line.
pub(super) fn summary(cases: usize, ran: usize, wrong: usize) -> String {
    match wrong {
        0 => format!("{ran} cases: all ended, the books balance"),
        _ if ran < cases => {
            "the case without a fault is not as it should be, so that no other was run; who is only slow gets time by \
                           --time-out"
                .to_owned()
        }
        _ => format!("{ran} cases: {wrong} did not end as a saga may, or the books do not balance"),
    }
}

/// A step with its number.
pub(super) fn label(definition: &Definition, step: u32) -> String {
    let label = definition.step(step).map(switchyard_core::saga::definition::Step::label).unwrap_or_default();
    format!("{step} {label}")
}

/// A line of a history: the moment, the event, and what else it says.
fn event(entry: &Value) -> String {
    let text = |member: &str| match &entry[member] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let step = text("step").map(|step| format!("{step} {}", text("name").unwrap_or_default()));
    let direction = text("direction").filter(|direction| direction == Direction::Compensation.as_str());
    let attempt = text("attempt").map(|attempt| format!("attempt {attempt}"));
    let until = text("until").map(|until| format!("until {until}"));
    let parts =
        [text("at"), text("event"), step, direction, attempt, text("kind"), text("reason"), until, text("detail")];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(NOTE_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saga_test::{
        plan::Fault,
        verdict::{End, Entry, Net},
    };

    fn definition() -> Definition {
        serde_json::from_str(r#"{"name": "s", "steps": [{"command": "pay", "compensation": "refund"}]}"#).unwrap()
    }

    fn ran(status: Status, wrong: &[&str]) -> Ran {
        let direction = Direction::Compensation;
        let trouble = Trouble { step: 0, direction, fault: Fault::TimeOut, always: true, turn: None };
        Ran {
            case: Case { number: 12, trouble: Some(trouble) },
            end: Some(End { status, error: Some("no\nrefund".to_owned()), stuck: None }),
            nets: vec![Net { step: 0, times: 1 }],
            books: vec![Entry { book: "/b".to_owned(), before: None, after: Some(json!(5)) }],
            took: Duration::from_millis(1234),
            wrong: wrong.iter().map(|&wrong| wrong.to_owned()).collect(),
            history: vec![json!({
                "at": "T", "event": "intended", "step": 0, "name": "pay", "direction": "compensation", "attempt": 2,
            })],
        }
    }

    #[test]
    fn a_row_says_where_what_and_how_it_ended() {
        let definition = definition();
        let report = Report::new(&definition);
        let row = report.row(&ran(Status::Stuck, &[]));
        let row: Vec<_> = row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
        let note = "no\\nrefund (left: 0 pay, /b 5)";
        assert_eq!(row, ["0 pay", "compensation", "time-out always", "stuck", "as left", "1234", note]);
        assert!(report.row(&ran(Status::Failed, &[])).contains("failed     balance"));
        assert!(report.row(&ran(Status::Failed, &["bad"])).contains("WRONG      1234  bad"));
        assert!(report.headings().starts_with("STEP   DIRECTION"));
    }

    #[test]
    fn a_failure_is_told_with_the_history_of_its_saga() {
        let definition = definition();
        let report = Report::new(&definition);
        let failure = report.failure(&ran(Status::Failed, &["one", "two"]));
        let expected = "case-12: 0 pay, compensation, time-out always\n  wrong: one\n  wrong: two\n  \
                        T  intended  0 pay  compensation  attempt 2";
        assert_eq!(failure, expected);
        let json = report.json(&ran(Status::Failed, &["one"]));
        assert_eq!(
            (&json["command"], &json["fault"], &json["always"]),
            (&json!("refund"), &json!("time-out"), &json!(true))
        );
        assert_eq!((&json["simulated"], &json["status"]), (&json!([{"step": 0, "net": 1}]), &json!("failed")));
    }
}
