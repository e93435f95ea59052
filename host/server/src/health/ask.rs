//! Asks one thing how it is.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{Request, StatusCode};
use switchyard_core::name::{Generation, INTERNAL_SUFFIX};
use switchyard_dispatch::{Body, CallContext, Dispatcher, Service};
use switchyard_runtime::ports::{Caller, OutgoingHttp};

use super::Subject;

/// One question, with all that asking it needs.
pub(super) struct Question {
    pub(super) subject: Subject,
    pub(super) generation: Option<Generation>,
    pub(super) service: Arc<Service>,
    /// A path of the service, or the URL of a dependency.
    pub(super) target: String,
    pub(super) timeout: Duration,
    pub(super) outbound: Arc<[String]>,
}

pub(super) struct Answer {
    pub(super) subject: Subject,
    pub(super) generation: Option<Generation>,
    pub(super) service: Arc<Service>,
    pub(super) took: Duration,
    pub(super) result: Result<(), String>,
}

/// Asks, within the question's time.
pub(super) async fn ask(dispatcher: Arc<Dispatcher>, question: Question) -> Answer {
    let began = Instant::now();
    let called = tokio::time::timeout(question.timeout, call(&dispatcher, &question, &question.target)).await;
    let result = called.unwrap_or_else(|_| Err(format!("no answer within {:?}", question.timeout)));
    let Question { subject, generation, service, .. } = question;
    Answer { subject, generation, service, took: began.elapsed(), result }
}

async fn call(dispatcher: &Arc<Dispatcher>, question: &Question, target: &str) -> Result<(), String> {
    let context = CallContext {
        request_id: uuid::Uuid::now_v7().to_string().into(),
        traceparent: None,
        ancestors: Arc::from([]),
        deadline: tokio::time::Instant::now() + question.timeout,
        body_max: 0,
        show_backtrace: false,
        cause: None,
        handled: None,
    };
    let name = question.service.name();
    let host = format!("{name}{INTERNAL_SUFFIX}");
    let is_own_path = matches!(question.subject, Subject::Service(_));
    let uri = if is_own_path { format!("http://{host}{target}") } else { target.to_owned() };
    let request = Request::get(uri).body(Body::empty()).map_err(|error| error.to_string())?;
    let response = if is_own_path {
        dispatcher.check(&question.service, context, request).await.map_err(|error| error.to_string())?
    } else {
        let context = context.nested(name);
        let caller = Caller { service: name.clone(), context, outbound: Arc::clone(&question.outbound) };
        dispatcher.send(caller, request).await.map_err(|error| error.to_string())?
    };
    match response.status() {
        status if status.is_success() => Ok(()),
        StatusCode::NOT_FOUND => Err(format!("it answers 404; is {target} the right path?")),
        status => Err(format!("it answers {status}")),
    }
}
