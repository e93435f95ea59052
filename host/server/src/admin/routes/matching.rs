//! `GET /api/v1/routes/match`: which route would take a request, without sending one.

use schemars::JsonSchema;
use serde::Serialize;
use switchyard_core::{
    problem::Code,
    route::{Lookup, action::HeaderMatch},
};

use super::RouteItem;
use crate::admin::{
    Sources,
    api::{Answer, Asked},
    reply::{Problem, json},
};

/// What takes the request.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
#[schemars(rename = "RouteMatch")]
pub(in crate::admin) enum Matched<'a> {
    /// This route does.
    Found { route: Box<RouteItem<'a>> },
    /// None: the path is known, the method is not.
    MethodNotAllowed {
        /// The methods that would be taken, as the value of `Allow`.
        allow: String,
    },
    /// None: no route has this path and host.
    NotFound,
}

/// Finds the route, as the gateway does.
pub(super) fn answer(asked: &Asked<'_>, sources: &Sources) -> Answer {
    if !asked.is_read() {
        return Err(Problem::method_not_allowed("GET, HEAD"));
    }
    let wrong = |text: String| Problem::new(Code::BadRequest, text);
    let query = &asked.query;
    let path =
        query.first("path").ok_or_else(|| wrong("path is not there: write it as a client sends it".to_owned()))?;
    if !path.starts_with('/') || path.contains(['?', '#']) {
        return Err(wrong(format!("path is '{path}': it begins with / and has no query")));
    }
    let (method, host) = (query.first("method"), query.first("host").unwrap_or_default());
    let headers = query.all("header").map(|header| match header.split_once(':') {
        Some((name, value)) => Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned())),
        None => Err(wrong(format!("header is '{header}': write NAME:VALUE"))),
    });
    let headers: Vec<_> = headers.collect::<Result<_, _>>()?;
    let has = |asked: &HeaderMatch| {
        headers.iter().any(|(name, value)| *name == asked.name && asked.value.as_ref().is_none_or(|of| of == value))
    };
    let snapshot = sources.dispatcher.snapshot();
    let found = snapshot.routes.find(&host, method.as_deref().unwrap_or("GET"), &path, &has);
    let matched = match found {
        Lookup::Found(target) => {
            let rule = snapshot.routes.rules().iter().find(|rule| std::ptr::eq(&raw const rule.target, target));
            rule.map_or(Matched::NotFound, |rule| Matched::Found { route: Box::new(RouteItem::of(rule)) })
        }
        Lookup::MethodNotAllowed { allow } => Matched::MethodNotAllowed { allow },
        Lookup::NotFound => Matched::NotFound,
    };
    Ok(json(&matched))
}
