//! my-service: turns requests away while the house is closed, and marks the responses of all others.

use switchyard_sdk::{
    Manifest, Middleware, RequestHead, Response, ResponseHead, Result, config, log,
};

switchyard_sdk::plugin! { manifest: manifest, middleware: middleware }

fn manifest() -> Manifest {
    switchyard_sdk::manifest!().tag("middleware")
}

fn middleware() -> Middleware {
    Middleware::new().on_request(door).on_response(mark)
}

/// Lets a request go on, or answers it. An error answers it, too: what guards does not open because it is broken.
fn door(request: &RequestHead) -> Result<Option<Response>> {
    if config::get_or("closed", false)? {
        log::info!("turned {} away", request.path());
        let closed = Response::problem(503, "The house is closed");
        return Ok(Some(closed.with_header("retry-after", "60")));
    }
    Ok(None)
}

/// Bodies stay in the host, whatever their size.
fn mark(_: &RequestHead, response: &ResponseHead) -> Result<ResponseHead> {
    let mark = config::get("mark")?.unwrap_or_else(|| "my-service".to_owned());
    Ok(response.clone().with_header("x-passed", mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchyard_sdk::testing;

    fn answered() -> Option<u16> {
        let answer = door(&RequestHead::get("/a")).expect("a decision");
        answer.map(|answer| answer.status())
    }

    #[test]
    fn requests_pass_while_the_house_is_open() {
        assert_eq!(answered(), None);
        testing::set_config("closed", "true");
        assert_eq!(answered(), Some(503));
    }

    #[test]
    fn responses_are_marked() {
        let marked = mark(&RequestHead::get("/a"), &ResponseHead::new(200)).expect("marked");
        assert_eq!(marked.header("x-passed"), Some("my-service"));
    }
}
