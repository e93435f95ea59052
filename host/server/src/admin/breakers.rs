//! Breakers: listed, forced, and given back to themselves.

use http::Method;
use switchyard_core::problem::Code;
use switchyard_dispatch::BreakerAction;

use super::{
    Sources,
    api::{Answer, Asked, no_such_path},
    reply::{Problem, json, page},
};

/// `/api/v1/breakers` and below.
pub(super) fn answer(asked: &Asked<'_>, rest: &[&str], sources: &Sources) -> Answer {
    let dispatcher = &sources.dispatcher;
    match *rest {
        [] if asked.is_read() => {
            let items = dispatcher.breakers().into_iter().map(|breaker| (breaker.id.clone(), breaker)).collect();
            Ok(json(&page(items, &asked.query)?))
        }
        [] => Err(Problem::method_not_allowed("GET, HEAD")),
        [id, action] => {
            let action = action_of(action).ok_or_else(no_such_path)?;
            if *asked.method != Method::POST {
                return Err(Problem::method_not_allowed("POST"));
            }
            let missing =
                || Problem::new(Code::NotFound, format!("there is no breaker {id}, and no service of that name"));
            Ok(json(&dispatcher.operate_breaker(id, action).ok_or_else(missing)?))
        }
        _ => Err(no_such_path()),
    }
}

fn action_of(name: &str) -> Option<BreakerAction> {
    match name {
        "open" => Some(BreakerAction::Open),
        "close" => Some(BreakerAction::Close),
        "reset" => Some(BreakerAction::Reset),
        "measure" => Some(BreakerAction::Measure),
        _ => None,
    }
}
