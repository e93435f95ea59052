//! A service of many versions from one build: the test writes into the built component, in the place of [`WAYS`], which
//! version it is, and how it does. No SDK.

use std::hint::black_box;

use wasi::{clocks::monotonic_clock::subscribe_duration, random::random::get_random_u64};

wit_bindgen::generate!({
    path: "../../../wit",
    world: "switchyard:plugin/service",
    generate_all,
});

use exports::switchyard::plugin::{http_handler, manifest};
use switchyard::plugin::http_types::{Request, Response};

/// What the test writes over: 64 bytes, a line of NAME=VALUE and spaces after it. `version`; `fail`, so many of a hundred
/// requests, by chance, are answered 500; `trap`, so many trap; `ms`, so long each takes.
static WAYS: [u8; 64] = *b"ways version=1.0.0 fail=0 trap=0 ms=0                           ";

struct Fickle;
export!(Fickle);

/// What is written for this name.
fn way(name: &str) -> &'static str {
    // Not to be known while it is compiled.
    let ways = std::str::from_utf8(black_box(&WAYS)).unwrap_or_default();
    ways.split(' ').find_map(|way| way.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
}

fn number(name: &str) -> u64 {
    way(name).parse().unwrap_or_default()
}

impl http_handler::Guest for Fickle {
    fn handle(request: Request) -> Response {
        let lot = get_random_u64() % 100;
        let (fail, trap, ms) = (number("fail"), number("trap"), number("ms"));
        if ms > 0 {
            subscribe_duration(ms * 1_000_000).block();
        }
        if lot < trap {
            panic!("asked to trap");
        }
        let status = if lot < fail { 500 } else { 200 };
        let body = if request.path.ends_with("/echo") { request.body } else { way("version").into() };
        Response { status, headers: vec![], body }
    }
}

impl manifest::Guest for Fickle {
    fn describe() -> manifest::Description {
        let route = |path: &str| manifest::Route {
            path: path.into(),
            methods: vec![],
            strip_prefix: None,
            host: None,
            timeout: None,
        };
        manifest::Description {
            name: "fickle".into(),
            version: way("version").into(),
            description: "Of many versions.".into(),
            tags: vec![],
            metadata: vec![],
            routes: vec![route("/fickle/*")],
            subscriptions: vec![],
            queues: vec![],
            schedules: vec![],
            commands: vec![],
            sagas: vec![],
            dependencies: vec![],
            health: None,
            guests: Some(manifest::Guests::Reused),
        }
    }
}
