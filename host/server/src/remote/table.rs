//! JSON for people: tables, and lists of members.

use std::fmt::{self, Display};

use serde_json::Value;

/// What stands where there is nothing.
const NOTHING: &str = "-";

/// The most characters of a cell; the rest is cut off.
const CELL_MAX: usize = 100;

/// The heading of a column, and JSON pointers to what stands in it: the first that is there.
pub(super) type Column = (&'static str, &'static [&'static str]);

/// A table, ready to be shown.
pub(super) struct Table(Vec<Vec<String>>);

// === impl Table ===

impl Table {
    /// A row for each item, under the headings.
    pub(super) fn new(items: &[Value], columns: &[Column]) -> Self {
        let headings = columns.iter().map(|(heading, _)| (*heading).to_owned()).collect();
        let row = |item: &Value| columns.iter().map(|(_, places)| cell(item, places)).collect();
        Self(std::iter::once(headings).chain(items.iter().map(row)).collect())
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.0.first().map_or(0, Vec::len);
        let width = |column: usize| self.0.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (place, row) in self.0.iter().enumerate() {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            let newline = if place == 0 { "" } else { "\n" };
            write!(f, "{newline}{}", line.trim_end())?;
        }
        Ok(())
    }
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

/// The text with its control characters written out.
pub(super) fn printable(text: &str) -> String {
    let written = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(written).collect()
}

fn cell(item: &Value, places: &[&str]) -> String {
    let found = places.iter().filter_map(|place| item.pointer(place)).find(|value| !value.is_null());
    let text = text(found.unwrap_or(&Value::Null));
    match text.char_indices().nth(CELL_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let items = [json!({"name": "a", "n": 1}), json!({"name": "longer", "m": "x", "n": null})];
        let table = Table::new(&items, &[("NAME", &["/name"]), ("N", &["/n", "/m"]), ("LAST", &["/l"])]);
        assert_eq!(table.to_string(), "NAME    N  LAST\na       1  -\nlonger  x  -");
    }

    #[test]
    fn nothing_that_is_shown_moves_the_cursor() {
        let items = [json!({"error": "a\u{1b}[2Jb\nc"})];
        assert_eq!(Table::new(&items, &[("ERROR", &["/error"])]).to_string(), "ERROR\na\\u{1b}[2Jb\\nc");
        assert_eq!(members(&json!({"a": ["x", "y\r"], "long": {"b": null}})), "a     x, y\\r\nlong  {\"b\":null}");
    }

    #[test]
    fn a_long_cell_is_cut() {
        let items = [json!({"error": "ä".repeat(200)})];
        assert!(Table::new(&items, &[("ERROR", &["/error"])]).to_string().ends_with("ä…"));
    }
}
