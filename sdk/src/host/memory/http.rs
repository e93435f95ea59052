//! The other services and servers of the host in memory: what a test says is there.

use std::rc::Rc;

use super::{now, with};
use crate::http::{Fault, Outgoing};
use crate::{Request, Response};

/// What answers for a host.
pub(crate) type Server = Rc<dyn Fn(&Request) -> Response>;

pub(crate) fn serve(authority: String, server: Server) {
    with(|host| host.servers.insert(authority, server));
}

/// All calls that were sent: whom they were for, and what was asked for.
pub(crate) fn calls() -> Vec<(String, Request)> {
    with(|host| host.calls.clone())
}

pub(crate) fn send(call: &Outgoing) -> Result<Response, Fault> {
    let Outgoing { method, authority, target, headers, body, timeout, body_max, .. } = call;
    let request = Request::of(method.clone(), target.clone(), headers.clone(), body.clone());
    let server = with(|host| {
        host.calls.push((authority.clone(), request.clone()));
        host.servers.get(authority).cloned()
    });
    let Some(server) = server else {
        return Err(if authority.ends_with(".internal") {
            Fault::Unreachable("there is no such service or host".to_owned())
        } else {
            Fault::Denied
        });
    };
    let before = now();
    // Without the host: what answers may call it, and others, too.
    let response = server(&request);
    if now().saturating_sub(before) > *timeout {
        return Err(Fault::TimedOut);
    }
    if response.body().len() > *body_max {
        return Err(Fault::Broken(format!("its answer is over {body_max} bytes")));
    }
    Ok(response)
}
