//! What an operator changes. Each change says what it has seen, so that it never lands on what somebody wrote meanwhile.

use http::header::{IF_MATCH, IF_NONE_MATCH};

use super::path;
use crate::console::{
    action::{Plan, Planned},
    ask::Call,
    form::Form,
};

const BYTES: &str = "application/octet-stream";

/// `kv.VERB`.
pub(in crate::console) fn plan(verb: &str, form: &Form) -> Option<Planned> {
    match verb {
        "add" => Some(add(form)),
        "put" => Some(put(form)),
        "delete" => Some(delete(form)),
        _ => None,
    }
}

fn named(form: &Form) -> Result<(String, String), crate::console::failure::Failure> {
    // Blanks around a key are part of it.
    let key = form.raw("key");
    let missing = || crate::console::failure::Failure::of_form("The key is missing.");
    Ok((form.need("bucket", "The bucket")?, Some(key).filter(|key| !key.is_empty()).ok_or_else(missing)?))
}

fn add(form: &Form) -> Planned {
    let (bucket, key) = named(form)?;
    let call = Call::put(&["kv", &bucket, &key]).bytes(BYTES, form.raw("value")).header(IF_NONE_MATCH, "*");
    Ok(Plan::new(call, format!("{key} is in the bucket {bucket}.")).to(path(&[&bucket, &key])))
}

fn put(form: &Form) -> Planned {
    let ((bucket, key), revision) = (named(form)?, form.need("revision", "The revision")?);
    let call =
        Call::put(&["kv", &bucket, &key]).bytes(BYTES, form.raw("value")).header(IF_MATCH, &format!("\"{revision}\""));
    Ok(Plan::new(call, format!("{key} has its new value.")).to(path(&[&bucket, &key])))
}

fn delete(form: &Form) -> Planned {
    let ((bucket, key), revision) = (named(form)?, form.text("revision"));
    let call = Call::delete(&["kv", &bucket, &key]);
    let call = match revision {
        Some(revision) => call.header(IF_MATCH, &format!("\"{revision}\"")),
        None => call,
    };
    Ok(Plan::new(call, format!("{key} is deleted.")).to(path(&[&bucket])))
}
