//! Logging in, where the admin API wants a token: a browser cannot send one of its own accord, so it is typed once, and a
//! session stands for it.

use bytes::Bytes;
use http::{
    Method, Response, StatusCode,
    header::{HeaderValue, LOCATION, SET_COOKIE},
    request::Parts,
};
use maud::{Markup, html};

use super::{BoxError, action::local, ask::encode, form::Form, layout, sessions, text::text};
use crate::admin::{self, AnswerBody, Query, Sources};

/// Where the token is typed.
pub(super) const PATH: &str = "/login";

/// Where a session is ended.
pub(super) const OUT_PATH: &str = "/logout";

/// The member with the page that was asked for.
const TO: &str = "to";

/// Sends a browser to where the token is typed, and from there to the page that it asked for.
pub(super) fn wanted(parts: &Parts) -> Response<AnswerBody> {
    let to = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    // Only a page can be come back to.
    let to = if parts.method == Method::GET { to } else { "/" };
    leading(&format!("{PATH}?{TO}={}", encode(to)))
}

/// Shows the form, or opens a session.
pub(super) async fn answer<B>(parts: Parts, body: B, sources: &Sources) -> Response<AnswerBody>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send,
{
    let to = local(Query::new(parts.uri.query().unwrap_or_default()).first(TO));
    if !sources.guard.needs_token() {
        return leading(&to);
    }
    if parts.method != Method::POST {
        return layout::plain(StatusCode::OK, "Log in", &form(&to, None));
    }
    let read = match admin::read(body).await {
        Ok(read) => Form::new(&read),
        Err(problem) => return problem.into_response(PATH),
    };
    match sources.guard.admits(&read.text("token").unwrap_or_default(), &parts.extensions) {
        Ok(()) => with_cookie(leading(&local(read.text(TO))), &sources.console.sessions.open()),
        Err(problem) => {
            let said = sentence(problem.detail());
            let status = problem.into_response(PATH).status();
            layout::plain(status, "Log in", &form(&local(read.text(TO)), Some(&said)))
        }
    }
}

/// Ends a session.
pub(super) fn out(parts: &Parts, sources: &Sources) -> Response<AnswerBody> {
    sources.console.sessions.close(&parts.headers);
    with_cookie(leading(PATH), &sessions::cleared())
}

fn form(to: &str, wrong: Option<&str>) -> Markup {
    html! {
        form.login method="post" action=(PATH) {
            h1 { "Switchyard" }
            p.dim { "This host asks for the token of its admin API." }
            @if let Some(wrong) = wrong { p.trouble role="alert" { (text(wrong)) } }
            input type="hidden" name=(TO) value=(to);
            label.field { span { "Token" } input type="password" name="token" autocomplete="current-password" required autofocus; }
            button.main type="submit" { "Log in" }
        }
    }
}

/// What the API says, as people write it.
fn sentence(said: &str) -> String {
    let mut rest = said.chars();
    rest.next().map(|first| format!("{}{}.", first.to_uppercase(), rest.as_str())).unwrap_or_default()
}

fn leading(to: &str) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::default());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(LOCATION, to);
    }
    response
}

fn with_cookie(mut response: Response<AnswerBody>, cookie: &str) -> Response<AnswerBody> {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}
