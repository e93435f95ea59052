//! Misbehaves on request, and shows what the host gives to a guest. Each path is one deed; see `handle`.

mod reach;

use std::sync::atomic::{AtomicU64, Ordering};

use support::{number, param, path};
use switchyard::plugin::http_types::{Request, Response};
use wasi::clocks::monotonic_clock::subscribe_duration;
use wasi::config::store as config;
use wasi::keyvalue::{atomics, store};
use wasi::logging::logging::{Level, log};

wit_bindgen::generate!({
    path: "../../../wit",
    world: "switchyard:plugin/service",
    generate_all,
});

use exports::switchyard::plugin::{http_handler, manifest};

/// Requests that this instance answered.
static COUNT: AtomicU64 = AtomicU64::new(0);

struct Rogue;
export!(Rogue);

impl http_handler::Guest for Rogue {
    fn handle(request: Request) -> Response {
        let target = request.path;
        let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
        let deed = path(&target).rsplit('/').next().unwrap_or_default();
        let answer: Result<String, String> = match deed {
            "trap" => panic!("asked to trap"),
            "spin" => spin(),
            "alloc" => alloc(),
            "recurse" => Ok(recurse(1).to_string()),
            "sleep" => {
                subscribe_duration(number(&target, "ms", 100) * 1_000_000).block();
                Ok("slept".into())
            }
            "log" => Ok(log_lines(number(&target, "n", 1))),
            "count" => Ok(count.to_string()),
            "ok" => Ok("ok".into()),
            "headers" => Ok(headers(&request.headers)),
            "config" => config::get(&param(&target, "k").unwrap_or_default())
                .map(Option::unwrap_or_default)
                .map_err(|error| format!("{error:?}")),
            "config-all" => config::get_all().map(pairs).map_err(|error| format!("{error:?}")),
            "env" | "connect" => reach::reach(deed, &target),
            _ if deed.starts_with("file-") => reach::reach(deed, &target),
            _ if deed.starts_with("kv-") => key_value(deed, &target).map_err(|e| format!("{e:?}")),
            _ => return respond(404, "no such deed"),
        };
        match answer {
            Ok(text) => respond(200, &text),
            Err(text) => respond(500, &text),
        }
    }
}

fn respond(status: u16, text: &str) -> Response {
    let headers = vec![("content-type".into(), b"text/plain".to_vec())];
    Response { status, headers, body: text.into() }
}

/// The request's headers, one a line.
fn headers(headers: &[(String, Vec<u8>)]) -> String {
    let lines = headers.iter().map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value)));
    lines.collect()
}

/// `name=value`, one a line.
fn pairs(pairs: Vec<(String, String)>) -> String {
    let lines = pairs.iter().map(|(name, value)| format!("{name}={value}\n"));
    lines.collect()
}

fn spin() -> ! {
    loop {
        std::hint::black_box(0);
    }
}

/// Takes memory until there is none.
fn alloc() -> ! {
    let mut held = Vec::new();
    loop {
        let mut block = vec![0u8; 1 << 20];
        block.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
        held.push(std::hint::black_box(block));
    }
}

fn recurse(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 16]);
    if depth == u64::MAX { 0 } else { recurse(depth + 1) + std::hint::black_box(frame)[3] }
}

/// `n` lines each to standard output, standard error and wasi:logging.
fn log_lines(n: u64) -> String {
    for line in 0..n {
        println!("out {line}");
        eprintln!("err {line}");
        log(Level::Info, "rogue", &format!("log {line}"));
    }
    format!("{n} lines")
}

fn key_value(deed: &str, target: &str) -> Result<String, store::Error> {
    let key = param(target, "k").unwrap_or_default();
    let value = param(target, "v").unwrap_or_default();
    let bucket = store::open(&param(target, "bucket").unwrap_or_default())?;
    Ok(match deed {
        "kv-set" => {
            bucket.set(&key, value.as_bytes())?;
            value
        }
        "kv-get" => text(bucket.get(&key)?),
        "kv-delete" => {
            bucket.delete(&key)?;
            String::new()
        }
        "kv-incr" => {
            let delta = param(target, "by").and_then(|text| text.parse().ok()).unwrap_or(1);
            atomics::increment(&bucket, &key, delta)?.to_string()
        }
        "kv-cas" => count_by_cas(&bucket, &key)?,
        "kv-list" => list(&bucket)?,
        _ => "no such deed".into(),
    })
}

/// Adds one to a decimal number by compare-and-swap, as often as it takes.
fn count_by_cas(bucket: &store::Bucket, key: &str) -> Result<String, store::Error> {
    let mut cas = atomics::Cas::new(bucket, key)?;
    loop {
        let next = text(cas.current()?).parse::<u64>().unwrap_or(0) + 1;
        match atomics::swap(cas, next.to_string().as_bytes()) {
            Ok(()) => return Ok(next.to_string()),
            Err(atomics::CasError::CasFailed(newer)) => cas = newer,
            Err(atomics::CasError::StoreError(error)) => return Err(error),
        }
    }
}

/// All keys, one a line.
fn list(bucket: &store::Bucket) -> Result<String, store::Error> {
    let mut keys = Vec::new();
    let mut cursor = None;
    loop {
        let page = bucket.list_keys(cursor.as_deref())?;
        keys.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(keys.join("\n"));
        }
    }
}

fn text(value: Option<Vec<u8>>) -> String {
    String::from_utf8_lossy(&value.unwrap_or_default()).into_owned()
}

impl manifest::Guest for Rogue {
    fn describe() -> manifest::Description {
        manifest::Description {
            name: "rogue".into(),
            version: "1.0.0".into(),
            description: "Misbehaves on request.".into(),
            tags: vec![],
            metadata: vec![],
            routes: vec![manifest::Route {
                path: "/rogue/*".into(),
                methods: vec![],
                strip_prefix: None,
                host: None,
                timeout: None,
            }],
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
