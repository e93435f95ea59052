//! JSON that is said on the command line, or stands in a file or on standard input.

use std::{
    fs::File,
    io::{Read, stdin},
    path::PathBuf,
};

use anyhow::{Context, bail};
use serde_json::Value;

/// The longest payload that is read, in bytes: as much as an event or a saga may hold.
const INPUT_MAX: u64 = switchyard_core::event::DATA_MAX as u64;

/// Where a payload comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Payload {
    Said(Value),
    File(PathBuf),
    Input,
}

/// Reads what stands on the command line: JSON, `@FILE`, or `-` for standard input.
pub(super) fn payload(text: &str) -> Result<Payload, String> {
    match text.strip_prefix('@') {
        Some("") => Err("name the file behind the '@', as in @order.json".to_owned()),
        Some(file) => Ok(Payload::File(file.into())),
        None if text == "-" => Ok(Payload::Input),
        None => json_of(text).map(Payload::Said),
    }
}

fn json_of(text: &str) -> Result<Value, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("no JSON: {error}; write text in double quotes, as in '\"text\"'"))
}

// === impl Payload ===

impl Payload {
    /// The value.
    ///
    /// # Errors
    /// When it cannot be read, is too long, or no JSON.
    pub(super) fn read(&self) -> anyhow::Result<Value> {
        match self {
            Self::Said(value) => Ok(value.clone()),
            Self::Input => value_in(stdin().lock(), "standard input"),
            Self::File(file) => {
                let name = file.display().to_string();
                let open = File::open(file).with_context(|| format!("cannot read the payload from {name}"))?;
                value_in(open, &name)
            }
        }
    }
}

fn value_in(from: impl Read, name: &str) -> anyhow::Result<Value> {
    let mut text = String::new();
    let read = from.take(INPUT_MAX + 1).read_to_string(&mut text);
    if read.with_context(|| format!("cannot read the payload from {name}"))? as u64 > INPUT_MAX {
        bail!("the payload from {name} is longer than the {INPUT_MAX} bytes that it may have");
    }
    json_of(&text).map_err(|error| anyhow::anyhow!("{name} holds {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_a_file_or_the_input_is_meant() {
        assert_eq!(payload(r#"{"id": 1}"#), Ok(Payload::Said(json!({"id": 1}))));
        assert_eq!(payload("-"), Ok(Payload::Input));
        assert_eq!(payload("-1"), Ok(Payload::Said(json!(-1))));
        assert_eq!(payload("@a b.json"), Ok(Payload::File("a b.json".into())));
        assert!(payload("text").unwrap_err().contains("double quotes"));
        assert!(payload("@").unwrap_err().contains("@order.json"));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("order.json");
        let read = || Payload::File(file.clone()).read().map_err(|error| error.to_string());
        assert!(read().unwrap_err().contains("order.json"));
        std::fs::write(&file, "{\"a\": [1]}\n").unwrap();
        assert_eq!(read(), Ok(json!({"a": [1]})));
        std::fs::write(&file, "{").unwrap();
        assert!(read().unwrap_err().contains("order.json holds no JSON"));
        std::fs::write(&file, format!("\"{}\"", "x".repeat(1 << 20))).unwrap();
        assert!(read().unwrap_err().contains("longer than the 1048576 bytes"));
    }
}
