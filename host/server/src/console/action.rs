//! Actions: forms that become one call of the API each.
//!
//! A form posts to `/act/SUBJECT.VERB`. One that has a `question` is asked first: by a dialog where the script runs, by a
//! page of its own where not. What worked leads back to where the form stands, with a note of it; what did not is said on a
//! page of its own, so that going back finds what was typed. The script asks for JSON and says it in place.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Response, StatusCode,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, LOCATION, SET_COOKIE},
    request::Parts,
};
use serde_json::{Value, json};

use super::{
    BoxError,
    ask::{Answered, Api, Call},
    failure::Failure,
    form::Form,
    full, layout, notes, plan, services,
};
use crate::admin::{self, AnswerBody, Query, Sources};

/// What the paths of actions begin with.
const PREFIX: &str = "/act/";

/// The field that says where a form stands.
pub(super) const BACK: &str = "back";

/// The field with what is asked before something is done.
pub(super) const QUESTION: &str = "question";

/// The field that says that the answer was yes.
pub(super) const CONFIRMED: &str = "confirmed";

/// What an action comes to, or what is wrong with its form.
pub(super) type Planned = Result<Plan, Failure>;

type Say = Box<dyn FnOnce(&Value) -> String + Send>;

/// What an action does, and what is said when it is done.
pub(super) struct Plan {
    call: Call,
    said: Say,
    /// Where it leads; none is back to where the form stands.
    to: Option<Say>,
}

/// What is left when an action is done.
struct Done {
    said: String,
    to: Option<String>,
}

/// The path of an action.
pub(super) fn path(action: &str) -> String {
    format!("{PREFIX}{action}")
}

/// Whether an action is at this path.
pub(super) fn is_action(path: &str) -> bool {
    path.starts_with(PREFIX)
}

/// Does what is asked for.
pub(super) async fn answer<B>(parts: Parts, body: B, sources: &Sources) -> Response<AnswerBody>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send,
{
    if parts.method != Method::POST {
        return layout::failed(&Failure::method_not_allowed(), &parts, sources);
    }
    let action = parts.uri.path().trim_start_matches(PREFIX).to_owned();
    let query = Query::new(parts.uri.query().unwrap_or_default());
    if action == services::DEPLOY {
        let back = local(query.first(BACK));
        let done = services::deploy(&parts, body, sources).await;
        return told(done.map(|said| Done { said, to: None }), &back, &parts, sources);
    }
    let form = match admin::read(body).await {
        Ok(body) => Form::new(&body),
        Err(problem) => return problem.into_response(parts.uri.path()),
    };
    let back = local(form.text(BACK));
    if form.text(QUESTION).is_some() && form.text(CONFIRMED).is_none() {
        return layout::question(&action, &form, &back, sources);
    }
    let done = act(&action, &form, Api::new(sources, &parts)).await;
    told(done, &back, &parts, sources)
}

async fn act(action: &str, form: &Form, api: Api<'_>) -> Result<Done, Failure> {
    let planned = action.split_once('.').and_then(|(subject, verb)| plan(subject, verb, form));
    let Plan { call, said, to } = planned.unwrap_or_else(|| Err(Failure::no_such_page()))?;
    let answer = api.send(call).await.map(|answered: Answered| answered.json())?;
    Ok(Done { said: said(&answer), to: to.map(|to| to(&answer)) })
}

/// The answer of an action: JSON for the script, a page for people.
fn told(done: Result<Done, Failure>, back: &str, parts: &Parts, sources: &Sources) -> Response<AnswerBody> {
    let is_script = parts.headers.get(ACCEPT).is_some_and(|accept| accept == "application/json");
    match done {
        Ok(done) if is_script && done.to.is_none() => script(StatusCode::OK, &json!({"ok": true, "text": done.said})),
        Ok(done) => {
            let to = local(Some(done.to.unwrap_or_else(|| back.to_owned())));
            let note = sources.console.notes.keep(done.said);
            let mut response = if is_script {
                script(StatusCode::OK, &json!({"ok": true, "to": to}))
            } else {
                let mut response = Response::new(AnswerBody::default());
                *response.status_mut() = StatusCode::SEE_OTHER;
                insert(response.headers_mut(), LOCATION, &to);
                response
            };
            insert(response.headers_mut(), SET_COOKIE, &notes::cookie(&note));
            response
        }
        Err(failure) if is_script => script(failure.status, &json!({"ok": false, "text": failure.line()})),
        Err(failure) => layout::failed_action(&failure, back, sources),
    }
}

fn script(status: StatusCode, value: &Value) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::Whole(full(value.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A path on this host: what leads elsewhere, or is none, becomes the overview.
pub(super) fn local(path: Option<String>) -> String {
    let is_local = |path: &String| {
        let mut bytes = path.bytes();
        bytes.next() == Some(b'/')
            && !matches!(bytes.next(), Some(b'/' | b'\\'))
            && path.bytes().all(|byte| byte.is_ascii_graphic())
    };
    path.filter(is_local).unwrap_or_else(|| "/".to_owned())
}

/// What is inserted is made of graphic ASCII.
fn insert(headers: &mut HeaderMap, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

// === impl Plan ===

impl Plan {
    /// This call; `said` is told when it is done.
    pub(super) fn new(call: Call, said: impl Into<String>) -> Self {
        let said = said.into();
        Self { call, said: Box::new(move |_| said), to: None }
    }

    /// What is told is made of the answer.
    pub(super) fn saying(mut self, said: impl FnOnce(&Value) -> String + Send + 'static) -> Self {
        self.said = Box::new(said);
        self
    }

    /// It leads to this path instead of back.
    pub(super) fn to(self, path: impl Into<String>) -> Self {
        let path = path.into();
        self.leading(move |_| path)
    }

    /// It leads to a path that is made of the answer.
    pub(super) fn leading(mut self, to: impl FnOnce(&Value) -> String + Send + 'static) -> Self {
        self.to = Some(Box::new(to));
        self
    }

    /// What it asks of the API.
    #[cfg(test)]
    pub(super) fn call(&self) -> &Call {
        &self.call
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_never_leads_to_another_host() {
        for (path, expected) in [
            (Some("/queues?x=1"), "/queues?x=1"),
            (Some("//evil.example"), "/"),
            (Some("/\\evil.example"), "/"),
            (Some("https://evil.example"), "/"),
            (Some("/a\r\nx: y"), "/"),
            (None, "/"),
        ] {
            assert_eq!(local(path.map(str::to_owned)), expected);
        }
    }
}
