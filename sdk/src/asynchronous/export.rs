//! The macro that turns a manifest and async routes into a component.

/// Exports an async HTTP service: its manifest, and `wasi:http/handler@0.3.0`. Stands once in a crate whose `crate-type` is
/// `cdylib`, which enables the feature `async`. The router is made once in the life of an instance. Natively nothing is
/// exported.
///
/// ```
/// use switchyard_sdk::asynchronous::Router;
/// use switchyard_sdk::{Manifest, Route};
///
/// fn manifest() -> Manifest {
///     switchyard_sdk::manifest!().route(Route::new("/hello"))
/// }
///
/// fn router() -> Router {
///     Router::new().get("/hello", async || "hello")
/// }
///
/// switchyard_sdk::async_service!(manifest, router);
/// # fn main() {}
/// ```
///
/// `async_service!(router)` exports no manifest: the service is then called like its file, has the route of its name without
/// that prefix, and what else it is stands in its side file.
#[macro_export]
macro_rules! async_service {
    ($manifest:expr, $router:expr $(,)?) => {
        $crate::plugin! { manifest: $manifest }
        $crate::async_service! { $router }
    };
    ($router:expr $(,)?) => {
        const _: () = {
            const ROUTER: fn() -> $crate::asynchronous::Router = $router;
            // Uses it natively too, where nothing is exported.
            const _: fn() -> $crate::asynchronous::Router = ROUTER;

            #[cfg(target_arch = "wasm32")]
            const _: () = {
                use $crate::asynchronous::guest::{self, wasip3};

                struct Service;

                impl wasip3::exports::http::handler::Guest for Service {
                    async fn handle(
                        request: wasip3::http::types::Request,
                    ) -> ::std::result::Result<wasip3::http::types::Response, wasip3::http::types::ErrorCode>
                    {
                        static MADE: ::std::sync::OnceLock<$crate::asynchronous::Router> = ::std::sync::OnceLock::new();
                        guest::serve(MADE.get_or_init(ROUTER), request).await
                    }
                }

                wasip3::http::service::export!(Service);
            };
        };
    };
}
