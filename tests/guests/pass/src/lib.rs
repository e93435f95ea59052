//! The least that a middleware of `wasi:http` 0.3 can be: it hands every request on.

wit_bindgen::generate!({ path: "../../../wit/p3", world: "wasi:http/middleware", generate_all });

use wasi::http::{
    handler,
    types::{ErrorCode, Request, Response},
};

struct Pass;
export!(Pass);

impl exports::wasi::http::handler::Guest for Pass {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        handler::handle(request).await
    }
}
