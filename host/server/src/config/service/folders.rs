//! Folders that a service's guests see: `{ "/assets" = "./assets" }`, or with `{ path = "./data/x", write = true }`.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    path::{Component, Path, PathBuf},
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use switchyard_runtime::settings::{Access, Folder};

use super::super::{
    check::{Wrong, wrong},
    spanned::Spanned,
};

/// A folder as it is written: its path, or a table.
#[derive(Debug)]
pub(super) struct Raw(Table);

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Folder")]
struct Table {
    /// The host's path.
    path: PathBuf,
    /// Whether it may be written.
    #[schemars(extend("default" = false))]
    #[serde(default)]
    write: bool,
}

/// Takes either form; serde's own way to say "one of two" would tell nobody what is wrong with the one that was meant.
struct Either;

/// Checks what guests call them; whether they are there is found out when the service is loaded.
pub(super) fn folders(raw: BTreeMap<Spanned<String>, Raw>, base: &Path) -> Result<BTreeMap<String, Folder>, Wrong> {
    let folders = raw.into_iter().map(|(guest, Raw(Table { path, write }))| {
        if !is_absolute(guest.as_ref()) {
            let name = guest.as_ref();
            return wrong(
                &guest,
                format!("'{name}' is no path that guests can see: begin it with '/', as in \"/assets\""),
            );
        }
        if path.as_os_str().is_empty() {
            return wrong(&guest, format!("'{}' has no path of the host's", guest.as_ref()));
        }
        let access = if write { Access::Write } else { Access::Read };
        Ok((guest.into_inner(), Folder { path: base.join(path), access }))
    });
    folders.collect()
}

fn is_absolute(path: &str) -> bool {
    let plain = |part| matches!(part, Component::RootDir | Component::Normal(_));
    path.starts_with('/') && !path.contains('\0') && Path::new(path).components().all(plain)
}

impl JsonSchema for Raw {
    fn schema_name() -> Cow<'static, str> {
        "FolderOrPath".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<Table>();
        json_schema!({"description": "The host's path, to be read; or a table.", "anyOf": [{"type": "string"}, table]})
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

impl<'de> Visitor<'de> for Either {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path, or { path = \"PATH\", write = true }")
    }

    fn visit_str<E>(self, path: &str) -> Result<Raw, E> {
        Ok(Raw(Table { path: path.into(), write: false }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Raw, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(map)).map(Raw)
    }
}
