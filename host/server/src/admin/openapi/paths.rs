//! Every path and method, in the order of the router.

mod activity;
mod delivery;
mod kv;
mod logs;
mod metrics;
mod overview;
mod plugins;
mod queues;
mod sagas;
mod traffic;

use serde_json::json;
use switchyard_core::{event::topic::Pattern, problem::Code, upstream::Registration};
use switchyard_dispatch::BreakerView;

use super::{
    Operation,
    operation::schema,
    schemas::{of, taken, text},
};
use crate::{
    admin::{
        registrations::RegistrationItem,
        routes::{AddedItem, RouteItem, matching::Matched},
        services::ServiceItem,
    },
    routes,
};

/// A path, a method in lower case, and what that does.
pub(super) type Entry = (&'static str, &'static str, Operation);

/// The most items of one answer.
pub(super) const PAGE_MAX: u32 = 1_000;

/// All of them.
pub(super) fn all() -> Vec<Entry> {
    [
        host(),
        activity::all(),
        overview::all(),
        plugins::all(),
        services(),
        traffic::all(),
        routes(),
        breakers(),
        delivery::all(),
        queues::all(),
        sagas::all(),
        kv::all(),
        logs::all(),
        metrics::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn host() -> Vec<Entry> {
    let text = json!({"type": "string"});
    let plain = "text/plain; charset=utf-8";
    vec![
        (
            "/livez",
            "get",
            Operation::new("livez", "host", "Whether the host is alive").answers_as(200, "It is", plain, &text),
        ),
        (
            "/readyz",
            "get",
            Operation::new("readyz", "host", "Whether the host takes requests")
                .answers_as(200, "It does", plain, &text)
                .answers_as(503, "It is starting or stopping", plain, &text),
        ),
        (
            "/openapi.json",
            "get",
            Operation::new("openapi", "host", "This document").answers(200, "OpenAPI 3.1", json!({"type": "object"})),
        ),
        (
            "/api/v1/watch",
            "get",
            Operation::new("watch", "host", "What happens, as server-sent events")
                .about(
                    "Each event has an id; who comes back with the last one in Last-Event-ID goes on after it. An event \
                     `gap` says that some were missed. A comment every 15 s says that the stream is still there.",
                )
                .query("topic", taken::<Pattern>(), "Only events of these topics.")
                .header("Last-Event-ID", &text, "The id of the last event that was seen.")
                .answers_as(200, "A stream without an end", "text/event-stream", &text)
                .refuses(&[Code::BadRequest, Code::ServiceBusy]),
        ),
    ]
}

fn services() -> Vec<Entry> {
    let changes = [Code::Conflict, Code::StoreUnavailable];
    vec![
        (
            "/api/v1/services",
            "get",
            Operation::new("listServices", "services", "Services, each with those of its instances that may be called")
                .query("name", text(), "Only the service of this name.")
                .query(
                    "tag",
                    json!({"type": "array", "items": {"type": "string"}}),
                    "Only services with this tag; with all of them when there are several.",
                )
                .query("all", json!({"type": "boolean"}), "Also instances that are unhealthy.")
                .pages(PAGE_MAX, of::<ServiceItem<'_>>()),
        ),
        (
            "/api/v1/services",
            "post",
            Operation::new("register", "services", "Registers an upstream; the same id again replaces it")
                .takes(taken::<Registration>(), true)
                .answers(201, "It is registered", of::<RegistrationItem>())
                .answers(200, "It has replaced one of the same id", of::<RegistrationItem>())
                .refuses(&changes),
        ),
        (
            "/api/v1/services/{id}",
            "get",
            Operation::new("service", "services", "One service, by its name")
                .query("all", json!({"type": "boolean"}), "Also instances that are unhealthy.")
                .answers(200, "The service", of::<ServiceItem<'_>>())
                .refuses(&[Code::BadRequest, Code::NotFound]),
        ),
        (
            "/api/v1/services/{id}",
            "delete",
            Operation::new("deregister", "services", "Takes an upstream back that was registered here")
                .empty()
                .refuses(&[Code::NotFound])
                .refuses(&changes),
        ),
        (
            "/api/v1/services/{id}/heartbeat",
            "put",
            Operation::new("heartbeat", "services", "Keeps a registration for another `ttl`")
                .answers(200, "The registration", of::<RegistrationItem>())
                .refuses(&[Code::NotFound, Code::Conflict]),
        ),
    ]
}

fn routes() -> Vec<Entry> {
    vec![
        (
            "/api/v1/routes",
            "get",
            Operation::new("listRoutes", "routes", "The routes that are in force")
                .pages(PAGE_MAX, of::<RouteItem<'_>>()),
        ),
        (
            "/api/v1/routes",
            "post",
            Operation::new(
                "addRoute",
                "routes",
                "Adds a route, which wins over those of plugins and of the configuration",
            )
            .takes(taken::<routes::Draft>(), true)
            .answers(201, "It is in force", of::<AddedItem>())
            .refuses(&[Code::Conflict, Code::StoreUnavailable]),
        ),
        (
            "/api/v1/routes/match",
            "get",
            Operation::new("matchRoute", "routes", "Which route would take a request")
                .required_query(
                    "path",
                    json!({"type": "string", "pattern": "^/[^?#]*$"}),
                    "As a client sends it, without the query.",
                )
                .query("method", json!({"type": "string", "default": "GET"}), "The method.")
                .query("host", json!({"type": "string"}), "As in the Host header.")
                .query("header", json!({"type": "string", "pattern": "^[^:]*:"}), "NAME:VALUE; may come several times.")
                .answers(200, "What takes it", of::<Matched<'_>>())
                .refuses(&[Code::BadRequest]),
        ),
        (
            "/api/v1/routes/{id}",
            "delete",
            Operation::new("removeRoute", "routes", "Removes a route that was added here").empty().refuses(&[
                Code::NotFound,
                Code::Conflict,
                Code::StoreUnavailable,
            ]),
        ),
    ]
}

fn breakers() -> Vec<Entry> {
    let acting = |id: &str, summary: &str| {
        Operation::new(id, "breakers", summary)
            .about("By the breaker's id, or by its service.")
            .answers(200, "The breaker", of::<BreakerView>())
            .refuses(&[Code::NotFound])
    };
    vec![
        (
            "/api/v1/breakers",
            "get",
            Operation::new("listBreakers", "breakers", "The breakers of all instances")
                .pages(PAGE_MAX, of::<BreakerView>()),
        ),
        ("/api/v1/breakers/{id}/open", "post", acting("openBreaker", "Refuses all calls until it is reset")),
        ("/api/v1/breakers/{id}/close", "post", acting("closeBreaker", "Lets all calls through until it is reset")),
        ("/api/v1/breakers/{id}/reset", "post", acting("resetBreaker", "Gives it back to itself, closed")),
        ("/api/v1/breakers/{id}/measure", "post", acting("measureBreaker", "Has it count, and refuse nothing")),
    ]
}
