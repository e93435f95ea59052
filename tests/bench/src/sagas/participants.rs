//! The three services of the rival that calls no gateway: a native server that does its work in memory.
//!
//! It is this program itself, as `switchyard-bench participants`. A step is done once for each idempotency key.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, StatusCode, body::Incoming};

use crate::own;

/// What was answered, by idempotency key.
type Done = Arc<Mutex<HashMap<String, Bytes>>>;

/// Serves until killed; prints its address.
pub(crate) fn serve() -> Result<()> {
    let done = Done::default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(own::serve(move |request| answer(request, done.clone())))
}

async fn answer(request: Request<Incoming>, done: Done) -> Result<Response<Full<Bytes>>, Infallible> {
    let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    let whole = request.into_body().collect().await.is_ok();
    let mut response = Response::new(Full::default());
    match key.filter(|_| whole) {
        Some(key) => *response.body_mut() = Full::new(carry_out(key, &done)),
        None => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    Ok(response)
}

fn carry_out(key: String, done: &Done) -> Bytes {
    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = Bytes::from(format!(r#"{{"receipt":"{key}"}}"#));
    done.entry(key).or_insert(answer).clone()
}
