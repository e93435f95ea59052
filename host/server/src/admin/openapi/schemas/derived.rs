//! Schemas of the very types that are written and read, so that the document cannot say other than what the code does.

use schemars::{
    JsonSchema,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform},
};
use serde_json::{Map, Value};

use super::merge::{TAKEN, each_reference};
use crate::schema;

/// A schema as it stands where it is used, with those that it refers to.
#[derive(Clone, Debug)]
pub(in crate::admin::openapi) struct Shape {
    pub(in crate::admin::openapi) schema: Value,
    /// By their names in the document.
    pub(in crate::admin::openapi) components: Map<String, Value>,
}

/// What an answer of this type looks like: every member that is always there is required, and more may come.
pub(in crate::admin::openapi) fn of<T: JsonSchema + ?Sized>() -> Shape {
    shape::<T>(SchemaSettings::draft2020_12().for_serialize())
}

/// What a body, or a member of a query, of this type may look like.
pub(in crate::admin::openapi) fn taken<T: JsonSchema + ?Sized>() -> Shape {
    let Shape { mut schema, components } = shape::<T>(SchemaSettings::draft2020_12().for_deserialize());
    let mark = |schema: &mut Value| {
        each_reference(schema, &mut |to| {
            if let Some((place, name)) = to.rsplit_once('/') {
                *to = format!("{place}/{TAKEN}{name}");
            }
        });
    };
    mark(&mut schema);
    let marked = components.into_iter().map(|(name, mut schema)| {
        mark(&mut schema);
        (format!("{TAKEN}{name}"), schema)
    });
    Shape { schema, components: marked.collect() }
}

fn shape<T: JsonSchema + ?Sized>(settings: SchemaSettings) -> Shape {
    let tidy = RecursiveTransform(schema::tidy);
    let mut settings = settings.with_transform(tidy.clone());
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let mut found = generator.subschema_for::<T>();
    // The generator's transforms reach what is referred to, not the reference.
    tidy.clone().transform(&mut found);
    Shape { schema: found.to_value(), components: generator.take_definitions(true) }
}

// === impl Shape ===

impl From<&Value> for Shape {
    fn from(schema: &Value) -> Self {
        Self { schema: schema.clone(), components: Map::new() }
    }
}

impl From<Value> for Shape {
    fn from(schema: Value) -> Self {
        Self { schema, components: Map::new() }
    }
}
