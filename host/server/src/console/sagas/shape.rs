//! The form of a definition: which of its steps are what, by the index that a saga counts them with.

use serde_json::Value;

/// A definition, step by step.
#[derive(Debug, Default)]
pub(super) struct Shape {
    places: Vec<Place>,
}

/// What a step is within its definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    /// What people call it.
    name: String,
    mark: &'static str,
    /// What it waits for.
    signal: Option<String>,
}

// === impl Shape ===

impl Shape {
    /// Of a definition as the API shows it.
    pub(super) fn of(definition: &Value) -> Self {
        let steps = definition["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
        let places = steps.iter().flat_map(|step| match step["parallel"].as_array() {
            Some(members) => group(members),
            None => {
                let mark = if step["pivot"] == true { "pivot" } else { "" };
                vec![Place { name: name(step), mark, signal: step["wait"]["signal"].as_str().map(str::to_owned) }]
            }
        });
        Self { places: places.collect() }
    }

    /// The classes that show what the step of this index is: one of a group, the pivot.
    pub(super) fn mark(&self, index: u64) -> &'static str {
        self.place(index).map(|place| place.mark).unwrap_or_default()
    }

    /// What people call the step of this index.
    pub(super) fn name(&self, index: u64) -> Option<&str> {
        self.place(index).map(|place| place.name.as_str())
    }

    /// The signal that the step of this index waits for.
    pub(super) fn signal(&self, index: u64) -> Option<&str> {
        self.place(index)?.signal.as_deref()
    }

    fn place(&self, index: u64) -> Option<&Place> {
        self.places.get(usize::try_from(index).ok()?)
    }
}

fn group(members: &[Value]) -> Vec<Place> {
    let mark = if members.len() > 1 { "tl-group" } else { "" };
    members.iter().map(|member| Place { name: name(member), mark, signal: None }).collect()
}

fn name(step: &Value) -> String {
    let wait = &step["wait"];
    let of_wait = |kind: &str| Some(format!("{kind} {}", wait[kind].as_str()?));
    let given = [&step["name"], &step["command"]].into_iter().find_map(Value::as_str).map(str::to_owned);
    given.or_else(|| of_wait("signal")).or_else(|| of_wait("timer")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_of_groups_count_each() {
        let shape = Shape::of(&json!({"steps": [
            {"command": "a"},
            {"parallel": [{"command": "b"}, {"command": "c"}]},
            {"command": "d", "pivot": true},
            {"wait": {"signal": "go"}},
        ]}));
        let marks: Vec<&str> = (0..5).map(|index| shape.mark(index)).collect();
        assert_eq!(marks, ["", "tl-group", "tl-group", "pivot", ""]);
        let names: Vec<&str> = (0..6).filter_map(|index| shape.name(index)).collect();
        assert_eq!(names, ["a", "b", "c", "d", "signal go"]);
        assert_eq!((shape.signal(4), shape.signal(3), shape.signal(9)), (Some("go"), None, None));
        assert_eq!(Shape::of(&json!(null)).name(0), None);
    }
}
