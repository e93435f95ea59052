//! Uses `wasi:keyvalue@0.2.0-draft`: `/kv-set?k=&v=`, `/kv-get?k=`, `/kv-delete?k=`, `/kv-incr?k=`, `/kv-list`.
//! It has no manifest.

use support::{number, param, path};
use switchyard::plugin::http_types::{Request, Response};
use wasi::keyvalue0_2_0_draft::{atomics, store};

wit_bindgen::generate!({
    path: ["../../../wit/older/keyvalue", "../../../wit"],
    inline: "
        package guests:kv-draft1;
        world kv-draft1 {
            import wasi:keyvalue/store@0.2.0-draft;
            import wasi:keyvalue/atomics@0.2.0-draft;
            export switchyard:plugin/http-handler@0.1.0;
        }
    ",
    world: "guests:kv-draft1/kv-draft1",
    generate_all,
});

struct KvDraft1;
export!(KvDraft1);

impl exports::switchyard::plugin::http_handler::Guest for KvDraft1 {
    fn handle(request: Request) -> Response {
        let (status, text) = match key_value(&request.path) {
            Ok(text) => (200, text),
            Err(error) => (500, format!("{error:?}")),
        };
        Response { status, headers: vec![], body: text.into() }
    }
}

fn key_value(target: &str) -> Result<String, store::Error> {
    let key = param(target, "k").unwrap_or_default();
    let value = param(target, "v").unwrap_or_default();
    let bucket = store::open("default")?;
    Ok(match path(target).rsplit('/').next().unwrap_or_default() {
        "kv-set" => {
            bucket.set(&key, value.as_bytes())?;
            value
        }
        "kv-get" => text(bucket.get(&key)?),
        "kv-delete" => {
            bucket.delete(&key)?;
            String::new()
        }
        "kv-incr" => atomics::increment(&bucket, &key, number(target, "by", 1))?.to_string(),
        "kv-list" => list(&bucket)?,
        _ => "no such deed".into(),
    })
}

/// All keys, one a line.
fn list(bucket: &store::Bucket) -> Result<String, store::Error> {
    let mut keys = Vec::new();
    let mut cursor = None;
    loop {
        let page = bucket.list_keys(cursor)?;
        keys.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(keys.join("\n"));
        }
    }
}

fn text(value: Option<Vec<u8>>) -> String {
    String::from_utf8_lossy(&value.unwrap_or_default()).into_owned()
}
