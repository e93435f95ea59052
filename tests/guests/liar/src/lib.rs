//! Misbehaves when it is asked what it is. The test writes the deed into the built component, in the place of
//! [`DEED`], so that one build does them all; without one it is a service like any other.

use std::hint::black_box;

wit_bindgen::generate!({
    path: "../../../wit",
    world: "switchyard:plugin/service",
    generate_all,
});

use exports::switchyard::plugin::{http_handler, manifest};
use switchyard::plugin::http_types::{Request, Response};

/// What the test writes over: 32 bytes, the deed and spaces after it.
static DEED: [u8; 32] = *b"deed:honest                     ";

struct Liar;
export!(Liar);

impl http_handler::Guest for Liar {
    fn handle(_: Request) -> Response {
        Response { status: 200, headers: vec![], body: b"honest".to_vec() }
    }
}

impl manifest::Guest for Liar {
    fn describe() -> manifest::Description {
        // Not to be known while it is compiled.
        let deed = black_box(&DEED);
        let deed = std::str::from_utf8(deed).unwrap_or_default().trim_end().trim_start_matches("deed:");
        match deed {
            "spin" => loop {
                black_box(0);
            },
            "eat" => {
                let mut held = Vec::new();
                loop {
                    held.push(black_box(vec![1_u8; 1 << 20]));
                }
            }
            // Without a panic's message, which would ask the host for more.
            "trap" => std::arch::wasm32::unreachable(),
            "recurse" => drop(black_box(recurse(1))),
            "import" => drop(wasi::random::random::get_random_bytes(1)),
            _ => {}
        }
        let many = |count: usize| (0..count).map(|n| route(&format!("/liar/{n}")));
        let honest = manifest::Description {
            name: "liar".into(),
            version: "1.0.0".into(),
            description: String::new(),
            tags: vec![],
            metadata: vec![],
            routes: vec![],
            subscriptions: vec![],
            queues: vec![],
            schedules: vec![],
            commands: vec![],
            sagas: vec![],
            dependencies: vec![],
            health: None,
            guests: None,
        };
        match deed {
            "name" => manifest::Description { name: "../../etc/passwd".into(), ..honest },
            "control" => manifest::Description { name: "a\u{1b}[2J\r\nb".into(), ..honest },
            "version" => manifest::Description { version: "latest".into(), ..honest },
            "routes" => manifest::Description { routes: many(100_000).collect(), ..honest },
            "route" => manifest::Description { routes: vec![route("no-slash")], ..honest },
            "text" => manifest::Description { description: "x".repeat(8 << 20), ..honest },
            "tags" => manifest::Description { tags: vec![String::new(); 100_000], ..honest },
            "subscribe" => manifest::Description { subscriptions: vec![subscription()], ..honest },
            "saga" => manifest::Description { sagas: vec!["[".repeat(1 << 20)], ..honest },
            _ => honest,
        }
    }
}

fn route(path: &str) -> manifest::Route {
    manifest::Route { path: path.into(), methods: vec![], strip_prefix: None, host: None, timeout: None }
}

/// One that nothing of it serves.
fn subscription() -> manifest::Subscription {
    manifest::Subscription {
        topic: "a".into(),
        name: None,
        group: None,
        broadcast: false,
        priority: 0,
        filter: None,
        once: false,
        max_attempts: None,
        backoff: None,
        start: manifest::Start::Latest,
    }
}

fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 16]);
    if depth == u64::MAX { 0 } else { recurse(depth + 1) + black_box(frame)[3] }
}
