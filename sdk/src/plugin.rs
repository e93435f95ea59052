//! The macros that turn a manifest and handlers into a component.

mod role;

/// Exports a plugin: its manifest first, then each role that it takes, by name. Stands once in a crate whose
/// `crate-type` is `cdylib`. A role that is not named is not exported, so the host does not give it.
///
/// | role | value |
/// | --- | --- |
/// | `http` | `fn() -> Router` |
/// | `events` | `fn(&Event, &Delivery) -> Result<(), Failure>`, or `fn() -> Subscriber` |
/// | `queues` | `fn(&Message) -> Result<(), Failure>`, or `fn() -> Worker` |
/// | `commands` | `fn(&Command) -> Result<impl Serialize, Failure>`, or `fn() -> Participant` |
/// | `event_middleware` | `fn(&Event) -> Verdict` |
/// | `middleware` | `fn(&RequestHead) -> impl Into<RequestDecision>` or another [middleware](crate::middleware) |
/// | `authenticator` | `fn(&str) -> Result<Claims, AuthError>` |
///
/// A [`Router`](crate::Router), [`Subscriber`](crate::Subscriber), [`Worker`](crate::Worker),
/// [`Participant`](crate::Participant) or [`Middleware`](crate::Middleware) is made once in the life of an instance. The commands that a participant names
/// are added to the manifest. Handlers may answer with any error that becomes a [`Failure`](crate::Failure). Natively
/// nothing is exported.
///
/// ```
/// use switchyard_sdk::{
///     AuthError, Claims, Command, Consumer, Delivery, Event, Failure, Manifest, Message, Participant, RequestHead,
///     ResponseHead, Router, Subscription, Verdict, queues,
/// };
///
/// fn manifest() -> Manifest {
///     switchyard_sdk::manifest!().subscription(Subscription::new("order.created")).queue(Consumer::new("emails"))
/// }
///
/// fn router() -> Router {
///     Router::new()
/// }
///
/// fn on_event(event: &Event, _: &Delivery) -> Result<(), Failure> {
///     queues::enqueue(Message::new("emails").data(event.data()).dedup_id(event.id()))?;
///     Ok(())
/// }
///
/// fn on_message(message: &Message) -> Result<(), Failure> {
///     switchyard_sdk::log::info!("mail {}", message.id());
///     Ok(())
/// }
///
/// fn participant() -> Participant {
///     Participant::new().on("mail.send", on_command)
/// }
///
/// fn on_command(command: &Command) -> Result<String, Failure> {
///     Ok(queues::enqueue(Message::new("emails").dedup_id(command.idempotency_key()))?)
/// }
///
/// fn audit(event: &Event) -> Verdict {
///     Verdict::change(event.clone().with_extension("auditedby", "me"))
/// }
///
/// fn stamp(_: &RequestHead, response: &ResponseHead) -> ResponseHead {
///     response.clone().with_header("x-stamp", "me")
/// }
///
/// fn authenticate(token: &str) -> Result<Claims, AuthError> {
///     if token == "ann" { Ok(Claims::new("ann")) } else { Err(AuthError::invalid("nobody's")) }
/// }
///
/// switchyard_sdk::plugin! {
///     manifest: manifest,
///     http: router,
///     events: on_event,
///     queues: on_message,
///     commands: participant,
///     event_middleware: audit,
///     middleware: stamp,
///     authenticator: authenticate,
/// }
/// # fn main() {}
/// ```
///
/// Another role, or one named twice, does not compile:
///
/// ```compile_fail
/// # fn manifest() -> switchyard_sdk::Manifest { switchyard_sdk::manifest!() }
/// switchyard_sdk::plugin! { manifest: manifest, grpc: manifest }
/// # fn main() {}
/// ```
///
/// ```compile_fail
/// # fn manifest() -> switchyard_sdk::Manifest { switchyard_sdk::manifest!() }
/// # fn router() -> switchyard_sdk::Router { switchyard_sdk::Router::new() }
/// switchyard_sdk::plugin! { manifest: manifest, http: router, http: router }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! plugin {
    (manifest: $manifest:expr $(, $role:ident: $value:expr)* $(,)?) => {
        const _: () = {
            const MANIFEST: fn() -> $crate::Manifest = $manifest;
            // Uses it natively too, where nothing is exported.
            const _: fn() -> $crate::Manifest = MANIFEST;

            #[cfg(target_arch = "wasm32")]
            const _: () = {
                use $crate::bindings::manifest::exports::switchyard::plugin::manifest;

                struct Plugin;

                impl manifest::Guest for Plugin {
                    fn describe() -> manifest::Description {
                        let manifest = MANIFEST();
                        $(let manifest = $crate::__plugin_described!($role, $value, manifest);)*
                        manifest.into()
                    }
                }

                $crate::bindings::manifest::export_manifest!(Plugin with_types_in $crate::bindings::manifest);
            };

            $($crate::__plugin_role!($role, $value);)*

            // One named twice is defined twice.
            $(#[allow(non_camel_case_types, dead_code, reason = "only its name counts")] enum $role {})*
        };
    };
}

/// Exports an HTTP service: `service!(manifest, router)` is `plugin! { manifest: manifest, http: router }`.
#[macro_export]
macro_rules! service {
    ($manifest:expr, $router:expr $(,)?) => {
        $crate::plugin! { manifest: $manifest, http: $router }
    };
}
