//! Key-value: the buckets of services, seen and changed by operators under the limits that guests have.
//!
//! The host's own buckets, whose names begin with `$`, are not among them: what is in there is changed by what it belongs
//! to.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use http::{
    HeaderMap, HeaderValue, Method, Response,
    header::{ACCEPT, ETAG, IF_MATCH, IF_NONE_MATCH},
};
use schemars::JsonSchema;
use serde::Serialize;
use switchyard_core::problem::Code;
use switchyard_delivery::Error;
use switchyard_store::{Entry, Expect, ListKeys, StoreError, host_bucket};

use super::{
    Sources,
    api::{Answer, Asked, no_such_path},
    reply::{AnswerBody, List, PAGE_MAX, Problem, bytes, empty, json, page},
};

/// A bucket.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "KvBucket")]
pub(super) struct Bucket {
    bucket: String,
    /// How many keys it has.
    entries: u64,
    /// Bytes of keys and values, and 32 for each key.
    bytes: u64,
}

/// A key of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "KvKey")]
pub(super) struct Key {
    key: String,
}

/// A key with its value: as text, or else in base64.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "KvItem")]
pub(super) struct Item<'a> {
    bucket: &'a str,
    key: &'a str,
    /// Which write made it; `If-Match` takes it in quotation marks.
    revision: u64,
    /// Bytes of the value.
    size: usize,
    /// The value, when it is UTF-8.
    value: Option<&'a str>,
    /// The value, when it is not.
    base64: Option<String>,
}

/// What was written.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "KvWritten")]
pub(super) struct Written<'a> {
    bucket: &'a str,
    key: &'a str,
    revision: u64,
}

/// `/api/v1/kv` and below.
pub(super) async fn answer(asked: &Asked<'_>, rest: &[&str], sources: &Sources) -> Answer {
    match *rest {
        [] if asked.is_read() => buckets(asked, sources).await,
        [bucket] if asked.is_read() => keys(asked, named(bucket)?, sources).await,
        [] | [_] => Err(Problem::method_not_allowed("GET, HEAD")),
        [bucket, key] => match *asked.method {
            Method::GET | Method::HEAD => get(asked, named(bucket)?, key, sources).await,
            Method::PUT => put(asked, named(bucket)?, key, sources).await,
            Method::DELETE => delete(asked, named(bucket)?, key, sources).await,
            _ => Err(Problem::method_not_allowed("GET, HEAD, PUT, DELETE")),
        },
        _ => Err(no_such_path()),
    }
}

async fn buckets(asked: &Asked<'_>, sources: &Sources) -> Answer {
    let all = sources.store.kv_buckets().await.map_err(of_store)?;
    let of_services = all.into_iter().filter(|usage| !host_bucket(&usage.bucket));
    let items = of_services.map(|usage| {
        let bucket = Bucket { bucket: usage.bucket.to_string(), entries: usage.entries, bytes: usage.bytes };
        (bucket.bucket.clone(), bucket)
    });
    Ok(json(&page(items.collect(), &asked.query)?))
}

async fn keys(asked: &Asked<'_>, bucket: &str, sources: &Sources) -> Answer {
    let list = ListKeys {
        prefix: asked.query.first("prefix").map(Into::into),
        after: asked.query.first("cursor").map(Into::into),
        limit: asked.query.number("limit", PAGE_MAX, PAGE_MAX)?,
    };
    if sources.store.kv_usage(bucket).await.map_err(of_store)?.is_none() {
        return Err(no_bucket(bucket));
    }
    let page = sources.store.kv_list(bucket, list).await.map_err(of_store)?;
    let items = page.keys.iter().map(|key| Key { key: key.to_string() }).collect();
    Ok(json(&List { items, next: page.next.map(|key| key.to_string()) }))
}

async fn get(asked: &Asked<'_>, bucket: &str, key: &str, sources: &Sources) -> Answer {
    let entry = sources.store.kv_get(bucket, key).await.map_err(of_store)?;
    let entry = entry.ok_or_else(|| no_key(bucket, key))?;
    let mut response = if wants_json(asked.headers) {
        json(&Item::of(bucket, key, &entry))
    } else {
        bytes("application/octet-stream", entry.value.clone())
    };
    mark(&mut response, entry.revision);
    Ok(response)
}

async fn put(asked: &Asked<'_>, bucket: &str, key: &str, sources: &Sources) -> Answer {
    if key.is_empty() {
        return Err(Problem::new(Code::BadRequest, "a key has at least one character"));
    }
    let expect = expected(asked.headers)?;
    let put = sources.store.kv_put(bucket, key, asked.body.clone(), expect).await;
    let revision = put.map_err(|error| refused(bucket, key, error))?;
    let mut response = json(&Written { bucket, key, revision });
    mark(&mut response, revision);
    Ok(response)
}

async fn delete(asked: &Asked<'_>, bucket: &str, key: &str, sources: &Sources) -> Answer {
    let expect = expected(asked.headers)?;
    let deleted = sources.store.kv_delete(bucket, key, expect).await;
    match deleted.map_err(|error| refused(bucket, key, error))? {
        true => Ok(empty()),
        false => Err(no_key(bucket, key)),
    }
}

/// A bucket that operators may see.
fn named(bucket: &str) -> Result<&str, Problem> {
    if bucket.is_empty() || host_bucket(bucket) { Err(no_bucket(bucket)) } else { Ok(bucket) }
}

fn no_bucket(bucket: &str) -> Problem {
    Problem::new(Code::NotFound, format!("there is no bucket {bucket}"))
}

fn no_key(bucket: &str, key: &str) -> Problem {
    Problem::new(Code::NotFound, format!("there is no key {key} in the bucket {bucket}"))
}

fn of_store(error: StoreError) -> Problem {
    Error::from(error).into()
}

fn refused(bucket: &str, key: &str, error: StoreError) -> Problem {
    match error {
        StoreError::Conflict { current: Some(revision), .. } => {
            Problem::new(Code::Conflict, format!("{key} in the bucket {bucket} has the revision {revision}"))
        }
        StoreError::Conflict { current: None, .. } => {
            Problem::new(Code::Conflict, format!("there is no key {key} in the bucket {bucket}"))
        }
        other => of_store(other),
    }
}

/// Whether JSON is asked for by its name; whoever takes anything gets the bytes.
fn wants_json(headers: &HeaderMap) -> bool {
    let kinds = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    kinds.flat_map(|kinds| kinds.split(',')).any(|kind| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("application/json")
    })
}

/// What has to hold of the key that is to be changed.
fn expected(headers: &HeaderMap) -> Result<Expect, Problem> {
    let wrong = |text: &str| Problem::new(Code::BadRequest, text);
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().trim().to_owned();
    match (headers.get(IF_MATCH).map(text), headers.get(IF_NONE_MATCH).map(text)) {
        (None, None) => Ok(Expect::Any),
        (None, Some(none)) if none == "*" => Ok(Expect::Absent),
        (Some(revision), None) => {
            let number = revision.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&revision);
            let number = number.parse().map_err(|_| wrong("If-Match is the revision of the key, as ETag has it"))?;
            Ok(Expect::Revision(number))
        }
        (None, Some(_)) => Err(wrong("If-None-Match can only be *")),
        (Some(_), Some(_)) => Err(wrong("If-Match and If-None-Match exclude each other")),
    }
}

fn mark(response: &mut Response<AnswerBody>, revision: u64) {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{revision}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
}

// === impl Item ===

impl<'a> Item<'a> {
    fn of(bucket: &'a str, key: &'a str, entry: &'a Entry) -> Self {
        let value = std::str::from_utf8(&entry.value).ok();
        let base64 = value.is_none().then(|| BASE64.encode(&entry.value));
        Self { bucket, key, revision: entry.revision, size: entry.value.len(), value, base64 }
    }
}
