//! The roles of `plugin!`, one arm each.

/// One role: what it is made from, checked natively too, and its export.
#[doc(hidden)]
#[macro_export]
macro_rules! __plugin_role {
    (http, $router:expr) => {
        const _: () = {
            const ROUTER: fn() -> $crate::Router = $router;
            const _: fn() -> $crate::Router = ROUTER;

            #[cfg(target_arch = "wasm32")]
            const _: () = {
                use $crate::bindings::http_handler::exports::switchyard::plugin::http_handler;

                struct Plugin;

                impl http_handler::Guest for Plugin {
                    fn handle(request: http_handler::Request) -> http_handler::Response {
                        static MADE: ::std::sync::OnceLock<$crate::Router> = ::std::sync::OnceLock::new();
                        MADE.get_or_init(ROUTER).serve(request.into()).into()
                    }
                }

                $crate::bindings::http_handler::export_http_handler!(
                    Plugin with_types_in $crate::bindings::http_handler
                );
            };
        };
    };
    (events, $handler:expr) => {
        const _: () = {
            const SUBSCRIBER: fn() -> $crate::Subscriber = || $crate::events::IntoSubscriber::into_subscriber($handler);
            const _: fn() -> $crate::Subscriber = SUBSCRIBER;

            #[cfg(target_arch = "wasm32")]
            const _: () = {
                use $crate::bindings::event_handler::exports::switchyard::plugin::event_handler;

                struct Plugin;

                impl event_handler::Guest for Plugin {
                    fn handle(
                        event: event_handler::Event,
                        delivery: event_handler::Delivery,
                    ) -> ::std::result::Result<(), event_handler::Failure> {
                        static MADE: ::std::sync::OnceLock<$crate::Subscriber> = ::std::sync::OnceLock::new();
                        let handled = MADE.get_or_init(SUBSCRIBER).handle(&event.into(), &delivery.into());
                        handled.map_err(::std::convert::Into::into)
                    }
                }

                $crate::bindings::event_handler::export_event_handler!(
                    Plugin with_types_in $crate::bindings::event_handler
                );
            };
        };
    };
    (queues, $handler:expr) => {
        const _: () = {
            const WORKER: fn() -> $crate::Worker = || $crate::queues::IntoWorker::into_worker($handler);
            const _: fn() -> $crate::Worker = WORKER;

            #[cfg(target_arch = "wasm32")]
            const _: () = {
                use $crate::bindings::queue_handler::exports::switchyard::plugin::queue_handler;

                struct Plugin;

                impl queue_handler::Guest for Plugin {
                    fn handle(message: queue_handler::Message) -> ::std::result::Result<(), queue_handler::Failure> {
                        static MADE: ::std::sync::OnceLock<$crate::Worker> = ::std::sync::OnceLock::new();
                        let handled = MADE.get_or_init(WORKER).handle(&message.into());
                        handled.map_err(::std::convert::Into::into)
                    }
                }

                $crate::bindings::queue_handler::export_queue_handler!(
                    Plugin with_types_in $crate::bindings::queue_handler
                );
            };
        };
    };
    (commands, $handler:expr) => {
        const _: () = {
            const PARTICIPANT: fn() -> $crate::Participant =
                || $crate::commands::IntoParticipant::into_participant($handler);
            const _: fn() -> $crate::Participant = PARTICIPANT;

            #[cfg(target_arch = "wasm32")]
            const _: () = {
                use $crate::bindings::command_handler::exports::switchyard::plugin::command_handler;

                struct Plugin;

                impl command_handler::Guest for Plugin {
                    fn handle(
                        command: command_handler::Command,
                    ) -> ::std::result::Result<::std::vec::Vec<u8>, command_handler::Failure> {
                        static MADE: ::std::sync::OnceLock<$crate::Participant> = ::std::sync::OnceLock::new();
                        let handled = MADE.get_or_init(PARTICIPANT).handle(&command.into());
                        handled.map_err(::std::convert::Into::into)
                    }
                }

                $crate::bindings::command_handler::export_command_handler!(
                    Plugin with_types_in $crate::bindings::command_handler
                );
            };
        };
    };
    (event_middleware, $middleware:expr) => {
        const _: () = {
            const MIDDLEWARE: fn(&$crate::Event) -> $crate::Verdict = $middleware;
            const _: fn(&$crate::Event) -> $crate::Verdict = MIDDLEWARE;

            #[cfg(target_arch = "wasm32")]
            const _: () = {
                use $crate::bindings::event_middleware::exports::switchyard::plugin::event_middleware;

                struct Plugin;

                impl event_middleware::Guest for Plugin {
                    fn process(event: event_middleware::Event) -> event_middleware::Verdict {
                        MIDDLEWARE(&event.into()).into()
                    }
                }

                $crate::bindings::event_middleware::export_event_middleware!(
                    Plugin with_types_in $crate::bindings::event_middleware
                );
            };
        };
    };
    (middleware, $handler:expr) => {
        const _: () = {
            const MIDDLEWARE: fn() -> $crate::Middleware =
                || $crate::middleware::IntoMiddleware::into_middleware($handler);
            const _: fn() -> $crate::Middleware = MIDDLEWARE;

            #[cfg(target_arch = "wasm32")]
            const _: () = {
                use $crate::bindings::http_middleware::exports::switchyard::plugin::http_middleware;

                struct Plugin;

                static MADE: ::std::sync::OnceLock<$crate::Middleware> = ::std::sync::OnceLock::new();

                impl http_middleware::Guest for Plugin {
                    fn on_request(
                        head: http_middleware::RequestHead,
                        body: ::std::option::Option<::std::vec::Vec<u8>>,
                    ) -> http_middleware::RequestDecision {
                        MADE.get_or_init(MIDDLEWARE).request(&head.into(), body.as_deref()).into()
                    }

                    fn on_response(
                        request: http_middleware::RequestHead,
                        head: http_middleware::ResponseHead,
                        body: ::std::option::Option<::std::vec::Vec<u8>>,
                    ) -> http_middleware::ResponseDecision {
                        let made = MADE.get_or_init(MIDDLEWARE);
                        made.response(&request.into(), &head.into(), body.as_deref()).into()
                    }
                }

                $crate::bindings::http_middleware::export_http_middleware!(
                    Plugin with_types_in $crate::bindings::http_middleware
                );
            };
        };
    };
    (authenticator, $authenticator:expr) => {
        const _: () = {
            const AUTHENTICATOR: fn(&str) -> ::std::result::Result<$crate::Claims, $crate::AuthError> = $authenticator;
            const _: fn(&str) -> ::std::result::Result<$crate::Claims, $crate::AuthError> = AUTHENTICATOR;

            #[cfg(target_arch = "wasm32")]
            const _: () = {
                use $crate::bindings::authenticator::exports::switchyard::plugin::authenticator;

                struct Plugin;

                impl authenticator::Guest for Plugin {
                    fn validate_token(
                        token: ::std::string::String,
                    ) -> ::std::result::Result<authenticator::Claims, authenticator::AuthError> {
                        let validated = AUTHENTICATOR(&token);
                        validated.map(::std::convert::Into::into).map_err(::std::convert::Into::into)
                    }
                }

                $crate::bindings::authenticator::export_authenticator!(
                    Plugin with_types_in $crate::bindings::authenticator
                );
            };
        };
    };
    ($other:ident, $value:expr) => {
        ::std::compile_error!(::std::concat!(
            "`",
            ::std::stringify!($other),
            "` is no role: there are http, events, queues, commands, event_middleware, middleware and authenticator"
        ));
    };
}

/// The manifest with what a role adds to it.
#[doc(hidden)]
#[macro_export]
macro_rules! __plugin_described {
    (commands, $handler:expr, $manifest:expr) => {
        $manifest.commands_of(&$crate::commands::IntoParticipant::into_participant($handler))
    };
    ($other:ident, $value:expr, $manifest:expr) => {
        $manifest
    };
}
