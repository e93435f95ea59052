//! Gateway middleware and authenticator of records, which do what they are told.
//!
//! The request's header `x-filter` says what becomes of it, `x-filter-response` what becomes of its response; both are
//! JSON, in which `head` changes the head (`method`, `path`, `status`, `set` and `remove` for headers), `with` is a
//! whole one (`method`, `path`, `status`, `headers`, `body`), `answer` a whole response, and `do` is `trap`, `spin`, or
//! `show`, which answers with all that was seen. A token is JSON: what to answer.

use serde_json::{Value, json};
use switchyard::plugin::http_types::{Request, Response};

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package guests:filter;
        world filter {
            export switchyard:plugin/http-middleware@0.1.0;
            export switchyard:plugin/authenticator@0.1.0;
        }
    ",
    world: "guests:filter/filter",
    generate_all,
});

use exports::switchyard::plugin::{
    authenticator::{self, AuthError, Claims},
    http_middleware::{self, RequestDecision, RequestHead, ResponseDecision, ResponseHead},
};

type Headers = Vec<(String, Vec<u8>)>;

struct Filter;
export!(Filter);

impl http_middleware::Guest for Filter {
    fn on_request(head: RequestHead, body: Option<Vec<u8>>) -> RequestDecision {
        let wish = wish(&head.headers, "x-filter");
        if let Some(answer) = wish.get("answer") {
            return RequestDecision::Answer(response(answer));
        }
        if let Some(with) = wish.get("with") {
            return RequestDecision::NextWith(Request {
                method: text(with, "method", &head.method),
                path: text(with, "path", &head.path),
                headers: headers(with),
                body: text(with, "body", "").into_bytes(),
            });
        }
        if let Some(change) = wish.get("head") {
            return RequestDecision::NextWithHead(RequestHead {
                method: text(change, "method", &head.method),
                path: text(change, "path", &head.path),
                headers: changed(head.headers, change),
            });
        }
        if wish["do"] == "show" {
            let seen = json!({
                "method": head.method, "path": head.path, "headers": shown(&head.headers),
                "body": body.map(|body| String::from_utf8_lossy(&body).into_owned()),
            });
            return RequestDecision::Answer(Response { status: 200, headers: vec![], body: seen.to_string().into() });
        }
        obey(&wish);
        RequestDecision::Next
    }

    fn on_response(request: RequestHead, head: ResponseHead, body: Option<Vec<u8>>) -> ResponseDecision {
        let wish = wish(&request.headers, "x-filter-response");
        if let Some(with) = wish.get("with") {
            return ResponseDecision::NextWith(response(with));
        }
        if let Some(change) = wish.get("head") {
            let status = change["status"].as_u64().map_or(head.status, |status| status as u16);
            return ResponseDecision::NextWithHead(ResponseHead { status, headers: changed(head.headers, change) });
        }
        if wish["do"] == "show" {
            let seen = json!({
                "request": request.path, "status": head.status, "headers": shown(&head.headers),
                "body": body.map(|body| String::from_utf8_lossy(&body).into_owned()),
            });
            let response = Response { status: 200, headers: vec![], body: seen.to_string().into() };
            return ResponseDecision::NextWith(response);
        }
        obey(&wish);
        ResponseDecision::Next
    }
}

impl authenticator::Guest for Filter {
    fn validate_token(token: String) -> Result<Claims, AuthError> {
        let Ok(wish) = serde_json::from_str::<Value>(&token) else {
            return Err(AuthError::Invalid("it is no JSON".into()));
        };
        obey(&wish);
        match wish["unavailable"].as_str() {
            Some(why) => Err(AuthError::Unavailable(why.into())),
            None => Ok(Claims {
                subject: text(&wish, "subject", ""),
                all: text(&wish, "all", "{}").into_bytes(),
                valid_until: wish["validUntil"].as_u64(),
            }),
        }
    }
}

fn wish(headers: &Headers, name: &str) -> Value {
    let value = headers.iter().find(|(other, _)| other == name);
    value.and_then(|(_, value)| serde_json::from_slice(value).ok()).unwrap_or_default()
}

fn obey(wish: &Value) {
    match wish["do"].as_str() {
        Some("trap") => panic!("asked to trap"),
        Some("spin") => loop {
            std::hint::black_box(0);
        },
        _ => {}
    }
}

fn text(of: &Value, name: &str, default: &str) -> String {
    of[name].as_str().unwrap_or(default).to_owned()
}

fn pairs(of: &Value) -> Headers {
    let pairs = of.as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    pairs.map(|pair| (text(&pair[0]), text(&pair[1]).into_bytes())).collect()
}

fn headers(of: &Value) -> Headers {
    let many = of["many"].as_u64().unwrap_or_default();
    pairs(&of["headers"]).into_iter().chain((0..many).map(|number| (format!("x-{number}"), vec![]))).collect()
}

fn response(of: &Value) -> Response {
    let status = of["status"].as_u64().unwrap_or(200) as u16;
    Response { status, headers: headers(of), body: text(of, "body", "").into_bytes() }
}

fn changed(before: Headers, change: &Value) -> Headers {
    let removed = |name: &str| change["remove"].as_array().is_some_and(|all| all.iter().any(|other| other == name));
    before.into_iter().filter(|(name, _)| !removed(name)).chain(pairs(&change["set"])).collect()
}

fn shown(headers: &Headers) -> Value {
    headers.iter().map(|(name, value)| json!([name, String::from_utf8_lossy(value)])).collect()
}
