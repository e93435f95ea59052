//! What schemas that are derived from types have in common: those of the admin API, and that of the configuration.

use schemars::Schema;
use serde_json::{Value, json};

/// Makes a derived schema one for readers who know no Rust: bounds in the place of widths, text without links to items.
pub(crate) fn tidy(schema: &mut Schema) {
    widths(schema);
    // What may be left out is null in Rust's eyes when it is.
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    for member in ["title", "description"] {
        if let Some(Value::String(text)) = schema.get_mut(member) {
            *text = plain(text);
        }
    }
}

/// No one but Rust knows `uint32` and its like.
fn widths(schema: &mut Schema) {
    let Some(Value::String(format)) = schema.get("format") else { return };
    let bounds = match format.as_str() {
        "int32" => Some((json!(i32::MIN), json!(i32::MAX))),
        "uint32" => Some((json!(0), json!(u32::MAX))),
        "int8" | "int16" | "int64" | "int" | "uint8" | "uint16" | "uint64" | "uint" | "float" | "double" => None,
        _ => return,
    };
    schema.remove("format");
    if let Some((min, max)) = bounds {
        for (member, bound) in [("minimum", min), ("maximum", max)] {
            if schema.get(member).is_none() {
                schema.insert(member.to_owned(), bound);
            }
        }
    }
}

/// Doc text as a reader sees it: one line for each paragraph, links by their words.
fn plain(text: &str) -> String {
    let text = text.replace("[`", "`").replace("`]", "`");
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_no_links_and_no_line_breaks_within_a_paragraph() {
        assert_eq!(plain("As [`Code`] says,\nalways.\n\nMore."), "As `Code` says, always.\n\nMore.");
    }

    #[test]
    fn widths_become_bounds() {
        let mut schema = schemars::json_schema!({"type": "integer", "format": "uint32", "minimum": 5});
        tidy(&mut schema);
        assert_eq!(schema.to_value(), json!({"type": "integer", "minimum": 5, "maximum": u32::MAX}));
        let mut moment = schemars::json_schema!({"type": "string", "format": "date-time"});
        tidy(&mut moment);
        assert_eq!(moment.to_value()["format"], "date-time");
    }
}
