//! The fast lane: `switchyard:plugin/http-handler`, whole bodies as plain records and lists.

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use wasmtime::{Engine, Store, component::InstancePre};

use std::sync::Arc;

use super::{
    gate::Admission,
    warm::{Instantiate, Warm},
};
use crate::{
    body::Body,
    context::CallContext,
    error::{GuestError, explain},
    runtime::Inner,
    state::{GuestState, Shared},
};

use self::bindings::{FastLane, FastLanePre, switchyard::plugin::http_types as wit};

#[allow(missing_docs, reason = "generated; the WIT is documented")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package host:fast; world fast-lane { export switchyard:plugin/http-handler@0.1.0; }",
        world: "host:fast/fast-lane",
        ownership: Borrowing { duplicate_if_necessary: true },
        exports: { default: async },
    });
}

/// The fewest and most statuses a service may answer; 1xx are the connection's own.
const STATUSES: std::ops::RangeInclusive<u16> = 200..=599;

pub(super) struct Fast {
    pre: FastLanePre<GuestState>,
    pub(super) warm: Warm<FastLane>,
}

// === impl Fast ===

impl Fast {
    pub(super) fn new(pre: InstancePre<GuestState>, reused: bool) -> wasmtime::Result<Self> {
        Ok(Self { pre: FastLanePre::new(pre)?, warm: Warm::new(reused) })
    }

    pub(super) async fn call(
        &self,
        inner: &Inner,
        shared: &Arc<Shared>,
        context: CallContext,
        request: Request<Body>,
        admission: Admission,
    ) -> Result<Response<Body>, GuestError> {
        let (parts, body) = request.into_parts();
        let body = body.collect(context.body_max).await?;
        let mut guest = match self.warm.take() {
            Some(guest) => guest,
            None => inner.instantiate(shared, &context, &self.pre).await?,
        };
        let _permit = admission.begin();
        let headers: Vec<(&str, &[u8])> =
            parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let request = wit::Request {
            method: parts.method.as_str(),
            path: parts.uri.path_and_query().map_or("/", |path| path.as_str()),
            headers: &headers,
            body: &body,
        };
        let state = guest.store.data_mut();
        state.begin(context);
        let meter = state.cpu.clone();
        guest.store.set_epoch_deadline(1);
        let call = guest.instance.switchyard_plugin_http_handler().call_handle(&mut guest.store, request);
        let answer = meter.meter(std::pin::pin!(call)).await;
        match answer {
            Ok(answer) => {
                self.warm.give_back(guest);
                response(shared, answer)
            }
            Err(error) => Err(explain(&shared.service, &error, guest.store.data().memory.refused)),
        }
    }
}

impl Instantiate for FastLanePre<GuestState> {
    type Instance = FastLane;

    fn engine(&self) -> &Engine {
        self.engine()
    }

    async fn instantiate(&self, store: &mut Store<GuestState>) -> wasmtime::Result<FastLane> {
        self.instantiate_async(store).await
    }
}

fn response(shared: &Shared, answer: wit::Response) -> Result<Response<Body>, GuestError> {
    let bad = |reason: String| GuestError::Failed { service: shared.service.clone(), reason, backtrace: None };
    if !STATUSES.contains(&answer.status) {
        return Err(bad(format!("it answered with status {}, which is not in 200 to 599", answer.status)));
    }
    let mut headers = HeaderMap::with_capacity(answer.headers.len() + 4);
    for (name, value) in answer.headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| bad(format!("it answered with the header name '{name}'")))?;
        let value = HeaderValue::from_maybe_shared(bytes::Bytes::from(value))
            .map_err(|_| bad(format!("it answered with an invalid value of the header '{name}'")))?;
        headers.append(name, value);
    }
    // The body's true length is the host's to tell.
    headers.remove(http::header::CONTENT_LENGTH);
    let mut response = Response::new(Body::full(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).map_err(|error| bad(error.to_string()))?;
    *response.headers_mut() = headers;
    Ok(response)
}
