//! Adds a header to every response that passes: the least that a middleware can be.

use switchyard_sdk::{Manifest, RequestHead, ResponseHead, Result, config};

switchyard_sdk::plugin! { manifest: manifest, middleware: stamp }

fn manifest() -> Manifest {
    switchyard_sdk::manifest!().tag("middleware")
}

/// The head as it came, with one header more. The body stays in the host, whatever its size.
fn stamp(_: &RequestHead, response: &ResponseHead) -> Result<ResponseHead> {
    let stamp = config::get("stamp")?.unwrap_or_else(|| "switchyard".to_owned());
    Ok(response.clone().with_header("x-stamp", stamp))
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchyard_sdk::testing;

    #[test]
    fn a_response_is_stamped_and_else_left_as_it_is() {
        let response = ResponseHead::new(404).with_header("etag", "\"1\"").with_header("x-stamp", "the service's own");
        let stamped = |response: &ResponseHead| stamp(&RequestHead::get("/a"), response).expect("stamped");
        assert_eq!(stamped(&response), response.clone().with_header("x-stamp", "switchyard"));
        testing::set_config("stamp", "blue");
        assert_eq!(stamped(&response).header("x-stamp"), Some("blue"));
    }
}
