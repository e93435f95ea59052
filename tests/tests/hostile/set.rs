//! The hostile set: files that claim to be components, dropped one by one and all at once.

use std::fs;

use switchyard_tests::{Host, Random, Setup, component_bytes};

use crate::{
    bytes::{COMPONENT_SECTION, HEADER, doubling, entangled, liar, nested, service, with_section},
    error,
    neighbour::Neighbour,
    peak_memory, plugins, until,
};

/// At how many lengths a good component is cut off.
const CUTS: usize = 32;

/// What the host may have in memory at most, whatever it is fed: far below what any single bomb would like to have.
const HOST_MEMORY_MAX: u64 = 1 << 30;

/// The longest reason that is worth reading, in bytes.
const REASON_MAX: usize = 8 << 10;

/// One file of the set.
pub(crate) struct Specimen {
    pub(crate) stem: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) ends: Ends,
}

/// What is to become of it.
#[derive(Clone, Copy)]
pub(crate) enum Ends {
    /// It is refused, and this is said of it.
    Refused(&'static str),
    /// It is refused, or serves: it is heavy, or nobody knows what has become of it, and both are right.
    Either,
}

fn whole_set() -> Vec<Specimen> {
    [not_components(), damaged(), unfit(), heavy(), at_start(), liars()].into_iter().flatten().collect()
}

fn refused(stem: &str, bytes: impl Into<Vec<u8>>, says: &'static str) -> Specimen {
    Specimen { stem: stem.to_owned(), bytes: bytes.into(), ends: Ends::Refused(says) }
}

fn either(stem: &str, bytes: Vec<u8>) -> Specimen {
    Specimen { stem: stem.to_owned(), bytes, ends: Ends::Either }
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut random = Random(seed);
    (0..length).map(|_| u8::try_from(random.below(256)).unwrap()).collect()
}

fn not_components() -> Vec<Specimen> {
    vec![
        refused("empty", [], "the file is empty"),
        refused("text", "(component)", "not WebAssembly"),
        refused("random", noise(1, 100_000), "not WebAssembly"),
        refused("zeros", vec![0; 1 << 20], "not WebAssembly"),
        refused("half-header", &HEADER[..5], "not WebAssembly"),
        refused("core-module", *b"\0asm\x01\0\0\0", "build it for wasm32-wasip2"),
        refused("later-version", *b"\0asm\x0e\0\x01\0", "not WebAssembly"),
    ]
}

fn damaged() -> Vec<Specimen> {
    let good = component_bytes("hello-next");
    let cuts = (1..=CUTS).map(|part| {
        let length = 8 + (good.len() - 9) * part / CUTS;
        // Each prefix that is whole by itself lacks its exports, which come last.
        refused(&format!("cut-{part}"), &good[..length], "")
    });
    let mut random = Random(7);
    let flips = (0..16).map(|n| {
        let mut bytes = good.clone();
        for _ in 0..4 {
            let place = 8 + usize::try_from(random.below(bytes.len() as u64 - 8)).unwrap();
            bytes[place] ^= 1 << random.below(8);
        }
        either(&format!("flipped-{n}"), bytes)
    });
    let service = service("", "");
    let others = [
        refused("header-and-noise", [HEADER, &noise(2, 10_000)].concat(), "damaged or half-written"),
        refused("noise-at-the-end", [&service[..], &noise(3, 1_000)].concat(), ""),
        refused("endless-section", [&service[..], &[0, 0xff, 0xff, 0xff, 0xff, 0x0f]].concat(), "half-written"),
        refused("unknown-section", with_section(service.clone(), 99, b"?"), "copy it again"),
        refused("bad-number", [&service[..], &[0x80; 20]].concat(), "damaged or half-written"),
        refused("two-components", [&service[..], &service[..]].concat(), "damaged or half-written"),
    ];
    cuts.chain(flips).chain(others).collect()
}

fn unfit() -> Vec<Specimen> {
    vec![
        refused("nothing", HEADER, "exports nothing that this host can call"),
        refused("bad-import", component_bytes("bad-import"), "it imports acme:missing/thing@1.0.0"),
        refused("bad-name", component_named("a\u{1b}[2Jb"), "\\u{1b}"),
        refused("memory-of-4-gib", service("(memory 65536)", ""), "raise memory-max"),
        refused("memories", service(&"(memory 8192) ".repeat(8), ""), "raise memory-max"),
        refused("huge-table", service("(table 10000000 funcref)", ""), "raise tables-max"),
        refused("tables", service(&"(table 9000 funcref) ".repeat(99), ""), "raise tables-max"),
        refused("memory-of-64-bits", service("(memory i64 0x100000000)", ""), ""),
    ]
}

/// A component that imports something of this name.
fn component_named(import: &str) -> Vec<u8> {
    let mut content = vec![1, 0, u8::try_from(import.len()).unwrap()];
    content.extend(import.as_bytes());
    // A function of the first type.
    content.extend([1, 0]);
    // The type: a function of nothing.
    let with_type = with_section(HEADER.to_vec(), 7, &[1, 0x40, 0, 1, 0]);
    with_section(with_type, 10, &content)
}

fn heavy() -> Vec<Specimen> {
    let functions = |count| service(&"(func) ".repeat(count), "");
    let blocks = |depth| service(&format!("(func {} {})", "block ".repeat(depth), "end ".repeat(depth)), "");
    vec![
        either("functions", functions(300_000)),
        refused("too-many-functions", functions(1_000_001), "functions"),
        either("deep-blocks", blocks(100_000)),
        either("deep-components", with_section(service("", ""), COMPONENT_SECTION, &nested(10_000))),
        refused("instances-of-instances", service("", &doubling(40)), ""),
        either("entangled", service(&entangled(2_000, 10_000), "")),
        either(
            "many-exports",
            service(&(0..50_000).map(|n| format!("(func (export \"{n}\"))")).collect::<String>(), ""),
        ),
    ]
}

fn at_start() -> Vec<Specimen> {
    let start = |body: &str| service(&format!("(memory 1) (func $s {body}) (start $s)"), "");
    vec![
        refused("start-spins", start("(loop $l (br $l))"), "do less in its start function"),
        refused("start-recurses", start("(call $s)"), "it overflowed its call stack; do less"),
        refused("start-traps", start("unreachable"), "it panicked; do less"),
        refused("start-eats", start("(loop $l (drop (memory.grow (i32.const 16))) (br $l))"), "do less in its start"),
    ]
}

fn liars() -> Vec<Specimen> {
    let liar = |deed: &str, says| refused(&format!("liar-{deed}"), liar(deed), says);
    vec![
        liar("spin", "did not end within 1s of CPU time"),
        liar("eat", "64 MiB"),
        liar("trap", "manifest.describe failed: it panicked; it must call nothing"),
        liar("recurse", "manifest.describe failed: it "),
        liar("import", "unknown import: `wasi:random/random@"),
        liar("name", "'../../etc/passwd' is not a service name"),
        liar("control", "'a\\u{1b}[2J\\r\\nb' is not a service name"),
        liar("version", "write MAJOR.MINOR.PATCH"),
        liar("routes", "it has 100000 routes, over the limit of 1000"),
        liar("route", "write '/no-slash'"),
        liar("text", "shorten its manifest"),
        liar("tags", "it has 100000 tags, over the limit of 256"),
        liar("subscribe", "it declares subscriptions, but exports no"),
        liar("saga", "the definition 0 of its sagas"),
    ]
}

// === impl Specimen ===

impl Specimen {
    fn is_done(&self, state: &str) -> bool {
        match self.ends {
            Ends::Refused(_) => state == "failed",
            Ends::Either => state == "failed" || state == "active",
        }
    }

    /// What is wrong with what is said of it.
    fn wrong(&self, said: &str) -> Option<String> {
        let is_said = match self.ends {
            Ends::Refused(says) => !said.is_empty() && said.contains(says),
            Ends::Either => true,
        };
        let is_plain = !said.chars().any(|c| c.is_control() && c != '\n');
        (!is_said || !is_plain || said.len() > REASON_MAX).then(|| format!("{}: {said:?}", self.stem))
    }
}

/// Waits until it is known what has become of all, and answers what is wrong with what is said of them.
async fn until_done(host: &Host, specimens: &[Specimen]) -> Vec<String> {
    let stems: Vec<_> = specimens.iter().map(|specimen| specimen.stem.clone()).collect();
    let of = |name: &str| specimens.iter().find(|specimen| specimen.stem == name);
    let is_done = |plugin: &serde_json::Value| {
        let (name, state) = (plugin["name"].as_str().unwrap_or_default(), plugin["state"].as_str().unwrap_or_default());
        of(name).is_some_and(|specimen| specimen.is_done(state))
    };
    let mut wrong = Vec::new();
    for (specimen, plugin) in specimens.iter().zip(until(host, &stems, is_done).await) {
        println!("{}: {} {}", specimen.stem, plugin["state"], error(&plugin));
        wrong.extend(specimen.wrong(&error(&plugin)));
    }
    wrong
}

fn check_memory(host: &Host) {
    if let Some(peak) = peak_memory(host) {
        println!("the host had {} MiB in memory at most", peak >> 20);
        assert!(peak < HOST_MEMORY_MAX, "{peak} bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_one_by_one_each_is_refused_with_its_reason_and_the_neighbour_is_served() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    let neighbour = Neighbour::watch(&host).await;
    let mut wrong = Vec::new();
    for specimen in whole_set() {
        host.rename_into_place(&specimen.stem, &specimen.bytes);
        wrong.extend(until_done(&host, std::slice::from_ref(&specimen)).await);
    }
    assert_eq!(wrong, [""; 0]);
    neighbour.was_served("beside the hostile set, one by one").await;
    check_memory(&host);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_all_at_once_they_are_refused_and_a_start_beside_them_is_as_good() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    let neighbour = Neighbour::watch(&host).await;
    let set = whole_set();
    for specimen in &set {
        host.copy(&specimen.stem, &specimen.bytes);
    }
    assert_eq!(until_done(&host, &set).await, [""; 0]);
    neighbour.was_served("beside the hostile set, all at once").await;
    check_memory(&host);

    let (setup, status) = host.stop();
    assert!(status.success());
    let host = setup.patience(600).start_unready().await;
    until(&host, &["hello".to_owned()], |plugin| plugin["state"] == "active").await;
    let neighbour = Neighbour::watch(&host).await;
    assert_eq!(until_done(&host, &set).await, [""; 0]);
    host.ready().await;
    neighbour.was_served("at a start beside the hostile set").await;
    for specimen in &set {
        fs::remove_file(host.plugin_file(&specimen.stem)).unwrap();
    }
    let since = std::time::Instant::now();
    while plugins(&host).await.iter().any(|plugin| plugin["name"] != "hello") {
        assert!(since.elapsed() < crate::PATIENCE, "{:?}", plugins(&host).await);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
