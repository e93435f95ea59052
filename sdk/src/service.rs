//! The macro that turns a manifest and a router into a component.

/// Exports a service: `service!(manifest, router)`, where `manifest` is a `fn() -> Manifest` and `router` a
/// `fn() -> Router`. Stands once in a crate whose `crate-type` is `cdylib`.
///
/// The router is made once in the life of an instance. Natively nothing is exported.
#[macro_export]
macro_rules! service {
    ($manifest:expr, $router:expr $(,)?) => {
        const _: () = {
            const MANIFEST: fn() -> $crate::Manifest = $manifest;
            const ROUTER: fn() -> $crate::Router = $router;
            // Uses them natively too, where nothing is exported.
            const _: (fn() -> $crate::Manifest, fn() -> $crate::Router) = (MANIFEST, ROUTER);

            #[cfg(target_arch = "wasm32")]
            const _: () = {
                use $crate::bindings::exports::switchyard::plugin::{http_handler, manifest};

                struct Plugin;

                impl manifest::Guest for Plugin {
                    fn describe() -> manifest::Description {
                        MANIFEST().into()
                    }
                }

                impl http_handler::Guest for Plugin {
                    fn handle(request: http_handler::Request) -> http_handler::Response {
                        static SERVICE: ::std::sync::OnceLock<$crate::Router> = ::std::sync::OnceLock::new();
                        SERVICE.get_or_init(ROUTER).serve(request.into()).into()
                    }
                }

        $crate::bindings::export_service!(Plugin with_types_in $crate::bindings);
            };
        };
    };
}
