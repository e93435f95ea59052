//! Key-value.

use serde_json::json;
use switchyard_core::problem::Code;

use super::{Entry, PAGE_MAX, text};
use crate::admin::{
    kv::{Bucket, Item, Key, Written},
    openapi::{Operation, schemas},
};

const BUCKET: &str = "/api/v1/kv/{bucket}";
const KEY: &str = "/api/v1/kv/{bucket}/{key}";

pub(super) fn all() -> Vec<Entry> {
    let anything = json!({"type": "string", "format": "binary"});
    let changes = [Code::BadRequest, Code::NotFound, Code::Conflict, Code::PayloadTooLarge, Code::StoreUnavailable];
    let matching = |operation: Operation| {
        operation.header("If-Match", text(), "Only while the key has this revision, as its ETag says it.").header(
            "If-None-Match",
            json!({"const": "*"}),
            "Only while the key is not there.",
        )
    };
    vec![
        (
            "/api/v1/kv",
            "get",
            Operation::new("listBuckets", "kv", "The buckets of services")
                .pages(PAGE_MAX, schemas::of::<Bucket>())
                .refuses(&[Code::StoreUnavailable]),
        ),
        (
            BUCKET,
            "get",
            Operation::new("listKeys", "kv", "The keys of a bucket, in the order of their bytes")
                .query("prefix", text(), "Only keys that begin with this.")
                .pages(PAGE_MAX, schemas::of::<Key>())
                .refuses(&[Code::NotFound, Code::StoreUnavailable]),
        ),
        (
            KEY,
            "get",
            Operation::new("getValue", "kv", "The value of a key")
                .about("As it is; who asks for application/json gets it with its revision. ETag is the revision.")
                .answers_as(200, "The value", "application/octet-stream", &anything)
                .also_answers_as(200, "application/json", schemas::of::<Item<'_>>())
                .refuses(&[Code::NotFound, Code::StoreUnavailable]),
        ),
        (
            KEY,
            "put",
            matching(Operation::new("putValue", "kv", "Writes the value of a key, and makes its bucket"))
                .takes_as("application/octet-stream", &anything, false)
                .answers(200, "It is written", schemas::of::<Written<'_>>())
                .refuses(&changes),
        ),
        (KEY, "delete", matching(Operation::new("deleteValue", "kv", "Removes a key")).empty().refuses(&changes)),
    ]
}
