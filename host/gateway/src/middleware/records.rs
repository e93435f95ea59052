//! Middleware of `switchyard:plugin/http-middleware`: it looks at a request, later at its response, and says of each
//! what becomes of it.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Request, Response, header::CONTENT_LENGTH, request::Parts};
use switchyard_core::problem::Code;
use switchyard_dispatch::{Body, CallError, RequestDecision, ResponseDecision};
use tokio::time::Instant;

use super::{Ahead, Link};
use crate::{
    request::held,
    response::{Answer, Refusal},
};

/// How long at least a response may be looked at, also one that took all the time there was.
const RESPONSE_TIME: Duration = Duration::from_secs(1);

/// Shows a request to it, has the rest of the list answer, and shows it the response.
pub(super) async fn pass(next: Ahead, link: Link, request: Request<Body>) -> Result<Answer, Refusal> {
    let exchange = Arc::clone(&next.flow.exchange);
    let (deadline, body_max) = (next.flow.deadline, next.flow.body_max);
    let (mut parts, body) = request.into_parts();
    let (mut body, bytes) = held::hold(body, deadline).await.map_err(CallError::Body)?;
    let context = exchange.context(deadline, body_max);
    let decided = link.middleware.on_request(context, &parts, bytes.as_ref()).await;
    match decided.map_err(|error| link.failed(&error))? {
        RequestDecision::Next => {}
        RequestDecision::NextWithHead(head) => replace(&mut parts, head),
        RequestDecision::NextWith(changed) => {
            let (head, changed) = changed.into_parts();
            replace(&mut parts, head);
            body = Body::full(changed);
        }
        RequestDecision::Answer(answer) => return Ok(answer.map(Body::full)),
    }
    let head = parts.clone();
    let answered = next.pass(Request::from_parts(parts, body)).await;
    let response = answered.unwrap_or_else(|refusal| exchange.refuse(refusal));
    if response.status().is_informational() {
        // An upgrade: what follows is no response that could be looked at.
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let deadline = deadline.max(Instant::now() + RESPONSE_TIME);
    let broke_off = |error| Refusal::new(Code::ServiceFailed, format!("the response did not arrive: {error}"));
    let (body, bytes) = held::hold(body, deadline).await.map_err(broke_off)?;
    let context = exchange.context(deadline, body_max);
    let decided = link.middleware.on_response(context, &head, &parts, bytes.as_ref()).await;
    Ok(match decided.map_err(|error| link.failed(&error))? {
        ResponseDecision::Next => Response::from_parts(parts, body),
        ResponseDecision::NextWithHead(mut head) => {
            keep_length(&parts.headers, &mut head.headers);
            head.extensions = std::mem::take(&mut parts.extensions);
            Response::from_parts(head, body)
        }
        ResponseDecision::NextWith(changed) => changed.map(Body::full),
    })
}

/// What only this process knows of a request stays with it.
fn replace(parts: &mut Parts, mut head: Parts) {
    head.extensions = std::mem::take(&mut parts.extensions);
    *parts = head;
}

/// The length of a body that stays is not the middleware's to say.
fn keep_length(own: &HeaderMap, said: &mut HeaderMap) {
    said.remove(CONTENT_LENGTH);
    if let Some(length) = own.get(CONTENT_LENGTH) {
        said.insert(CONTENT_LENGTH, length.clone());
    }
}
