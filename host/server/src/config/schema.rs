//! The JSON Schema of `switchyard.toml`, and that of side files, made from the types that they are read into.
//!
//! Editors complete and check with it. It says what can be said of single members; what depends on several of them, or on
//! what is there, the host says when it reads the file.

use schemars::{JsonSchema, Schema, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::{Map, Value};
use switchyard_core::manifest::SideFile;

use super::{place::kebab, raw::Raw};
use crate::schema;

/// That of `switchyard.toml`.
pub(crate) fn configuration() -> Value {
    of::<Raw>("switchyard.toml", "The configuration of a Switchyard host.")
}

/// That of `NAME.toml` beside `NAME.wasm`.
pub(crate) fn side_file() -> Value {
    let mut schema =
        of::<SideFile>("NAME.toml", "What is said of a Switchyard component beside it, over what it says of itself.");
    let definitions = schema.get_mut("$defs").and_then(Value::as_object_mut).into_iter().flatten();
    for properties in definitions.filter_map(|(_, definition)| definition.get_mut("properties")?.as_object_mut()) {
        in_both_cases(properties);
    }
    schema
}

fn of<T: JsonSchema>(title: &str, about: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let settings = settings.with_transform(RecursiveTransform(schema::tidy)).with_transform(RecursiveTransform(there));
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema.insert("description".to_owned(), about.into());
    schema.to_value()
}

/// What may be left out: TOML has no null to say so with.
fn there(schema: &mut Schema) {
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = &kinds[..] {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let Some(Value::Array(choices)) = schema.get_mut("anyOf") else { return };
    choices.retain(|choice| choice["type"] != "null");
    if let [only] = &choices[..] {
        let only = only.clone();
        schema.remove("anyOf");
        for (member, value) in only.as_object().into_iter().flatten() {
            if schema.get(member).is_none() {
                schema.insert(member.clone(), value.clone());
            }
        }
    }
}

/// Sagas keep the members that they have in JSON, and may be written as all else in the file.
fn in_both_cases(properties: &mut Map<String, Value>) {
    let other: Vec<_> = properties.iter().map(|(name, schema)| (kebab(name), schema.clone())).collect();
    for (name, schema) in other {
        properties.entry(name).or_insert(schema);
    }
}

#[cfg(test)]
mod tests;
