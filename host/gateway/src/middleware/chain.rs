//! Middleware of `wasi:http/handler`: a request goes into it, and what it hands on goes to the rest of the list.

use std::sync::Arc;

use http::Request;
use switchyard_core::problem::Code;
use switchyard_dispatch::{Body, CallError, Next};

use super::{Ahead, Link};
use crate::response::{Answer, Refusal};

/// Sends a request through it.
pub(super) async fn pass(next: Ahead, link: Link, request: Request<Body>) -> Result<Answer, Refusal> {
    if next.flow.exchange.asks_upgrade {
        let what = format!("the middleware '{}' carries requests and responses, and no upgrades", link.name);
        return Err(Refusal::new(Code::MiddlewareFailed, what));
    }
    let exchange = Arc::clone(&next.flow.exchange);
    let context = exchange.context(next.flow.deadline, next.flow.body_max);
    let ahead: Next = Arc::new(move |request| {
        let (ahead, exchange) = (next.clone(), Arc::clone(&exchange));
        // Whatever what comes after says, to the middleware it is a response.
        Box::pin(async move { Ok(ahead.pass(request).await.unwrap_or_else(|refusal| exchange.refuse(refusal))) })
    });
    link.middleware.chain(context, request, ahead).await.map_err(|error| match error {
        // It had the time of what it waited for.
        CallError::TimedOut { .. } => Refusal::from(error),
        error => link.failed(&error),
    })
}
