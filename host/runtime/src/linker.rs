//! What the host provides to guests, and the check that a component asks for nothing else.

use switchyard_core::describe::Track;
use wasmtime::{Engine, component::Linker};

use crate::{host, plugin, state::GuestState};

/// Interfaces that WASI 0.2 and 0.3 both have; any 0.2.x and 0.3.x links.
const WASI: [&str; 17] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:http/types",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// Those of 0.2 alone.
const WASI_02: [&str; 12] = [
    "wasi:clocks/wall-clock",
    "wasi:http/outgoing-handler",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// Those of 0.3 alone.
const WASI_03: [&str; 7] = [
    "wasi:cli/types",
    "wasi:clocks/system-clock",
    "wasi:clocks/types",
    "wasi:http/client",
    "wasi:http/handler",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/types",
];

/// Interfaces of our own that hold nothing but types; any 0.1.x links.
const OWN: [&str; 5] = [
    "switchyard:plugin/event-types",
    "switchyard:plugin/http-types",
    "switchyard:plugin/queue-types",
    "switchyard:plugin/saga-types",
    "switchyard:plugin/types",
];

/// A linker with everything that guests of this track may import.
///
/// 0.3 components get 0.2 as well: their language's standard library still imports it.
pub(crate) fn linker(engine: &Engine, track: Track) -> wasmtime::Result<Linker<GuestState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    if track == Track::P3 {
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
        plugin::p3::chain::add_to_linker(&mut linker)?;
    }
    for name in OWN {
        linker.instance(&format!("{name}@0.1.0"))?;
    }
    host::config::add_to_linker(&mut linker)?;
    host::logging::add_to_linker(&mut linker)?;
    host::keyvalue::add_to_linker(&mut linker)?;
    host::platform::add_to_linker(&mut linker)?;
    host::messaging::add_to_linker(&mut linker)?;
    Ok(linker)
}

/// The names of all interfaces that guests may import.
pub(crate) fn provided() -> Vec<String> {
    let wasi_02 = WASI.iter().chain(&WASI_02).map(|name| format!("{name}@0.2"));
    let wasi_03 = WASI.iter().chain(&WASI_03).map(|name| format!("{name}@0.3"));
    let own = OWN.iter().chain(&host::platform::INTERFACES).map(|name| format!("{name}@0.1"));
    let exact = host::config::INTERFACES
        .into_iter()
        .chain(host::logging::INTERFACES)
        .chain(host::keyvalue::INTERFACES)
        .chain(host::messaging::INTERFACES)
        .map(str::to_owned);
    wasi_02.chain(wasi_03).chain(own).chain(exact).collect()
}

/// Whether an import of this name is provided: exactly, or by the track of its version.
pub(crate) fn is_provided(import: &str, provided: &[String]) -> bool {
    let on_track = |track: &str| {
        let (interface, version) = import.split_once('@')?;
        let patch = version.strip_prefix(track)?.strip_prefix('.')?;
        let released = patch.bytes().all(|byte| byte.is_ascii_digit());
        released.then(|| provided.contains(&format!("{interface}@{track}")))
    };
    provided.iter().any(|name| name == import)
        || ["0.1", "0.2", "0.3"].into_iter().any(|track| on_track(track) == Some(true))
}

/// The provided name that looks most like this one.
pub(crate) fn nearest<'a>(import: &str, provided: &'a [String]) -> Option<&'a str> {
    provided.iter().map(String::as_str).max_by(|a, b| {
        let likeness = |name: &str| strsim::jaro_winkler(import, name);
        likeness(a).total_cmp(&likeness(b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_link_by_track_and_drafts_exactly() {
        let provided = provided();
        for good in [
            "wasi:io/poll@0.2.0",
            "wasi:io/poll@0.2.12",
            "wasi:http/client@0.3.0",
            "wasi:logging/logging",
            "wasi:messaging/producer@0.2.0-draft",
            "switchyard:plugin/events@0.1.0",
            "switchyard:plugin/batch@0.1.7",
            "switchyard:plugin/queue-types@0.1.0",
            "switchyard:plugin/saga-types@0.1.0",
            "switchyard:plugin/sagas@0.1.0",
            "switchyard:plugin/registry@0.1.0",
        ] {
            assert!(is_provided(good, &provided), "{good}");
        }
        for bad in [
            "wasi:io/poll@0.4.0",
            "wasi:io/poll@0.2.0-rc",
            "wasi:keyvalue/store@0.2.0",
            "wasi:messaging/request-reply@0.2.0-draft",
            "switchyard:plugin/events@0.2.0",
            "acme:x/y@1.0.0",
        ] {
            assert!(!is_provided(bad, &provided), "{bad}");
        }
        assert_eq!(nearest("wasi:keyvalue/store@0.2.0", &provided), Some("wasi:keyvalue/store@0.2.0-draft"));
    }
}
