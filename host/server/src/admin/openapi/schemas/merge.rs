//! One name for one schema: a type can look different as it is taken and as it is answered, since what is taken is
//! exact. Where it does, the first is called `NAMEInput`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Where references lead to.
const PLACE: &str = "#/components/schemas/";

/// What stands before the names of schemas that are taken, until the whole document is there.
pub(super) const TAKEN: &str = "taken:";

/// Names what is taken of a type as what is answered of it, unless they differ. `components` are all schemas, and `document`
/// is what refers to them.
pub(in crate::admin::openapi) fn settle(components: &mut Map<String, Value>, document: &mut Value) {
    let different = different(components);
    let name = |taken: &str| match different.contains(taken) {
        true => format!("{taken}Input"),
        false => taken.to_owned(),
    };
    for (key, mut schema) in std::mem::take(components) {
        rename(&mut schema, &name);
        let key = key.strip_prefix(TAKEN).map_or(key.clone(), name);
        components.insert(key, schema);
    }
    rename(document, &name);
}

/// The names under which something else is taken than answered, be it further down.
fn different(components: &Map<String, Value>) -> BTreeSet<String> {
    let pairs: Vec<_> = components
        .iter()
        .filter_map(|(key, taken)| {
            let name = key.strip_prefix(TAKEN)?;
            let answered = components.get(name)?;
            let mut plain = taken.clone();
            rename(&mut plain, &str::to_owned);
            Some((name, taken, plain != *answered))
        })
        .collect();
    let mut different: BTreeSet<String> =
        pairs.iter().filter(|(_, _, differs)| *differs).map(|(name, ..)| (*name).to_owned()).collect();
    loop {
        let before = different.len();
        for (name, taken, _) in &pairs {
            let mut refers = false;
            each_reference(&mut (*taken).clone(), &mut |to| {
                refers |= to
                    .strip_prefix(PLACE)
                    .and_then(|to| to.strip_prefix(TAKEN))
                    .is_some_and(|to| different.contains(to));
            });
            if refers {
                different.insert((*name).to_owned());
            }
        }
        // Names are only ever added, and there are so many of them.
        if different.len() == before {
            return different;
        }
    }
}

/// Gives what is taken its name.
fn rename(value: &mut Value, name: &impl Fn(&str) -> String) {
    each_reference(value, &mut |to| {
        if let Some(taken) = to.strip_prefix(PLACE).and_then(|to| to.strip_prefix(TAKEN)) {
            *to = format!("{PLACE}{}", name(taken));
        }
    });
}

/// Has each reference within a value looked at.
pub(super) fn each_reference(value: &mut Value, look: &mut impl FnMut(&mut String)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| each_reference(item, look)),
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(to) if key == "$ref" => look(to),
                    other => each_reference(other, look),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_taken_has_a_name_of_its_own_only_where_it_differs() {
        let to = |name: &str| json!({"$ref": format!("{PLACE}{name}")});
        let mut components = json!({
            "Same": {"type": "string"},
            "taken:Same": {"type": "string"},
            "Inner": {"type": "object"},
            "taken:Inner": {"type": "object", "additionalProperties": false},
            "Outer": {"items": to("Inner"), "prefixItems": [to("Same")]},
            "taken:Outer": {"items": to("taken:Inner"), "prefixItems": [to("taken:Same")]},
            "taken:Only": {"items": to("taken:Outer")},
        });
        let mut document = json!([to("taken:Same"), to("taken:Only"), to("Outer")]);
        let components = components.as_object_mut().expect("an object");
        settle(components, &mut document);
        assert_eq!(document, json!([to("Same"), to("Only"), to("Outer")]));
        let names: Vec<&str> = components.keys().map(String::as_str).collect();
        assert_eq!(names, ["Inner", "InnerInput", "Only", "Outer", "OuterInput", "Same"]);
        assert_eq!(components["Only"]["items"], to("OuterInput"));
        assert_eq!(components["OuterInput"], json!({"items": to("InnerInput"), "prefixItems": [to("Same")]}));
    }
}
