//! JSON for people: tables, and lists of members.

use std::fmt::{self, Display};

use serde_json::Value;

pub(super) use crate::output::printable;
use crate::output::{self, Style, Tone};

/// What stands where there is nothing.
const NOTHING: &str = "-";

/// The most characters of a cell; the rest is cut off.
const CELL_MAX: usize = 100;

/// What the last column has at least, however narrow the terminal is.
const LAST_MIN: usize = 12;

/// What stands between two columns.
const GAP: &str = "  ";

/// The heading of a column, and JSON pointers to what stands in it: the first that is there.
pub(super) type Column = (&'static str, &'static [&'static str]);

/// A table, ready to be shown.
pub(super) struct Table {
    /// The headings first.
    rows: Vec<Vec<String>>,
    /// The columns whose words have colours.
    toned: Vec<bool>,
    style: Style,
    /// How wide it may be.
    width: Option<usize>,
}

// === impl Table ===

impl Table {
    /// A row for each item, under the headings, as standard output shows it.
    pub(super) fn new(items: &[Value], columns: &[Column]) -> Self {
        Self::within(items, columns, Style::of_stdout(), output::width())
    }

    fn within(items: &[Value], columns: &[Column], style: Style, width: Option<usize>) -> Self {
        let headings = columns.iter().map(|(heading, _)| (*heading).to_owned()).collect();
        let toned = columns.iter().map(|(heading, _)| matches!(*heading, "STATE" | "STATUS")).collect();
        let row = |item: &Value| columns.iter().map(|(_, places)| cell(item, places)).collect();
        let rows = std::iter::once(headings).chain(items.iter().map(row)).collect();
        Self { rows, toned, style, width }
    }

    /// How wide each column is: the last one has what the others leave.
    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.first().map_or(0, Vec::len);
        let widest = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let mut widths: Vec<usize> = (0..columns).map(widest).collect();
        if let (Some(width), Some((last, others))) = (self.width, widths.split_last_mut()) {
            let taken: usize = others.iter().map(|width| width + GAP.len()).sum();
            *last = (*last).min(width.saturating_sub(taken).max(LAST_MIN));
        }
        widths
    }

    fn cell(&self, text: &str, width: usize, is_heading: bool, is_toned: bool, is_last: bool) -> String {
        let text = cut(text, width);
        let painted = match (is_heading, is_toned) {
            (true, _) => self.style.paint(&text, Tone::Strong),
            (false, true) => tone(&text).map_or_else(|| text.clone(), |tone| self.style.paint(&text, tone)),
            (false, false) => text.clone(),
        };
        let rest = if is_last { 0 } else { width - text.chars().count() };
        format!("{painted}{}", " ".repeat(rest))
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for (place, row) in self.rows.iter().enumerate() {
            let last = row.len().saturating_sub(1);
            let cells = row.iter().zip(&widths).zip(&self.toned).enumerate();
            let cells = cells.map(|(n, ((text, width), toned))| self.cell(text, *width, place == 0, *toned, n == last));
            let newline = if place == 0 { "" } else { "\n" };
            write!(f, "{newline}{}", cells.collect::<Vec<_>>().join(GAP).trim_end())?;
        }
        Ok(())
    }
}

/// The colour of a word that says how something is, if it has one.
pub(super) fn tone(word: &str) -> Option<Tone> {
    match word {
        "active" | "healthy" | "closed" | "completed" | "running" | "ready" => Some(Tone::Good),
        "failed" | "unhealthy" | "open" | "forced-open" | "stuck" | "blocked" | "error" => Some(Tone::Bad),
        "loading" | "draining" | "half-open" | "measuring" | "paused" | "compensating" | "waiting" | "degraded"
        | "starting" | "staged" | "forced-closed" | "warn" | "shutting-down" | "checking" => Some(Tone::Warn),
        "retired" | "unknown" | "debug" => Some(Tone::Faint),
        _ => None,
    }
}

/// So many bytes, as people say it.
pub(super) fn bytes(bytes: u64) -> String {
    let mut units = ["KiB", "MiB", "GiB", "TiB"].into_iter();
    // Exact below 2^53.
    let (mut amount, mut unit) = (bytes as f64, "B");
    while let Some(larger) = units.next().filter(|_| amount >= 1024.0) {
        (amount, unit) = (amount / 1024.0, larger);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{amount:.1} {unit}") }
}

/// The members of an object, a line each.
pub(super) fn members(item: &Value) -> String {
    let Some(members) = item.as_object() else { return text(item) };
    let width = members.keys().map(String::len).max().unwrap_or_default();
    let lines = members.iter().map(|(name, value)| format!("{name:<width$}  {}", text(value)));
    lines.collect::<Vec<_>>().join("\n")
}

/// A value in one line. What guests and clients wrote must not move the cursor of whoever reads it.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::String(text) => printable(text),
        Value::Array(items) if items.is_empty() => NOTHING.to_owned(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().map(text).collect::<Vec<_>>().join(", ")
        }
        other => printable(&other.to_string()),
    }
}

fn cell(item: &Value, places: &[&str]) -> String {
    let found = places.iter().filter_map(|place| item.pointer(place)).find(|value| !value.is_null());
    cut(&text(found.unwrap_or(&Value::Null)), CELL_MAX + 1)
}

/// At most so many characters, of which the last one says that there were more.
fn cut(text: &str, max: usize) -> String {
    match (text.char_indices().nth(max), text.char_indices().nth(max.saturating_sub(1))) {
        (Some(_), Some((end, _))) => format!("{}…", &text[..end]),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plain(items: &[Value], columns: &[Column]) -> String {
        Table::within(items, columns, Style::PLAIN, None).to_string()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let items = [json!({"name": "a", "n": 1}), json!({"name": "longer", "m": "x", "n": null})];
        let table = plain(&items, &[("NAME", &["/name"]), ("N", &["/n", "/m"]), ("LAST", &["/l"])]);
        assert_eq!(table, "NAME    N  LAST\na       1  -\nlonger  x  -");
    }

    #[test]
    fn nothing_that_is_shown_moves_the_cursor() {
        let items = [json!({"error": "a\u{1b}[2Jb\nc\u{202e}d"})];
        assert_eq!(plain(&items, &[("ERROR", &["/error"])]), "ERROR\na\\u{1b}[2Jb\\nc\\u{202e}d");
        assert_eq!(members(&json!({"a": ["x", "y\r"], "long": {"b": null}})), "a     x, y\\r\nlong  {\"b\":null}");
    }

    #[test]
    fn bytes_have_the_unit_that_fits() {
        let told = [0, 1023, 1024, 1536, 5 << 20, 3 << 40, 4096 << 40].map(bytes);
        assert_eq!(told, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "5.0 MiB", "3.0 TiB", "4096.0 TiB"]);
    }

    #[test]
    fn a_long_cell_is_cut() {
        let items = [json!({"error": "ä".repeat(200)})];
        let table = plain(&items, &[("ERROR", &["/error"])]);
        assert!(table.ends_with("ä…") && table.chars().count() == "ERROR\n".len() + CELL_MAX + 1, "{table}");
    }

    #[test]
    fn the_last_column_gives_way_to_a_narrow_terminal() {
        let items = [json!({"name": "name", "error": "a long story of what went wrong"})];
        let columns: &[Column] = &[("NAME", &["/name"]), ("ERROR", &["/error"])];
        let of = |width| Table::within(&items, columns, Style::PLAIN, Some(width)).to_string();
        assert_eq!(of(20), "NAME  ERROR\nname  a long story …");
        assert!(of(20).lines().all(|line| line.chars().count() <= 20));
        assert_eq!(of(3).lines().last(), Some("name  a long stor…"));
        assert!(of(80).ends_with("went wrong"));
    }

    #[test]
    fn states_have_colours_where_there_are_colours() {
        let items = [json!({"state": "open", "name": "open"}), json!({"state": "odd", "name": "b"})];
        let columns: &[Column] = &[("STATE", &["/state"]), ("NAME", &["/name"])];
        let table = Table::within(&items, columns, Style::COLOURED, None).to_string();
        let expected = "\u{1b}[1mSTATE\u{1b}[0m  \u{1b}[1mNAME\u{1b}[0m\n\u{1b}[31mopen\u{1b}[0m   open\nodd    b";
        assert_eq!(table, expected);
    }
}
