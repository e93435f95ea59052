//! A thousand plugins: described, not mapped; then one in a hundred is called.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed test may panic; this one measures"
)]

use std::{fs, time::Instant};

use switchyard_tests::{Host, Setup, component};

const PLUGINS: usize = 1_000;

/// One in so many is called.
const CALLED: usize = 100;

/// What one plugin may keep of the host's memory while nobody calls it, in bytes.
const IDLE_MAX: u64 = 256 << 10;

/// What is in memory now, in bytes; none where the system does not tell.
fn memory(host: &Host) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", host.pid())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? << 10)
}

fn mapped(host: &Host) -> usize {
    let maps = fs::read_to_string(format!("/proc/{}/maps", host.pid())).unwrap_or_default();
    maps.lines().filter(|line| line.ends_with(".cwasm")).count()
}

/// The same component under a thousand names, each with a route of its own.
fn fill(setup: &Setup) {
    let source = setup.path().join("hello.wasm");
    fs::copy(component("hello"), &source).unwrap();
    for n in 0..PLUGINS {
        let name = format!("hello-{n}");
        fs::hard_link(&source, setup.plugins().join(format!("{name}.wasm"))).unwrap();
        let side = format!("name = '{name}'\nroutes = [{{ path = '/{name}/*', strip-prefix = '/{name}' }}]\n");
        fs::write(setup.plugins().join(format!("{name}.toml")), side).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_plugins_are_loaded_and_cost_little_until_they_are_called() {
    let empty = Setup::new().plugin("hello", "hello").start().await;
    let before = memory(&empty);
    drop(empty);

    let setup = Setup::new().patience(600);
    fill(&setup);
    let began = Instant::now();
    let host = setup.start_unready().await;
    until_ready(&host, began).await;
    println!("{PLUGINS} plugins, the first time: ready after {:?}", began.elapsed());

    let (setup, _) = host.stop();
    let began = Instant::now();
    let host = setup.start_unready().await;
    until_ready(&host, began).await;
    println!("{PLUGINS} plugins, known: ready after {:?}", began.elapsed());
    let idle = memory(&host);
    let mib = |bytes: Option<u64>| bytes.map(|bytes| bytes >> 20);
    println!("memory with one plugin {:?} MiB, with {PLUGINS} {:?} MiB", mib(before), mib(idle));
    assert_eq!(mapped(&host), 0, "code is mapped that nobody called");
    if let (Some(before), Some(idle)) = (before, idle) {
        let each = idle.saturating_sub(before) / PLUGINS as u64;
        println!("{} KiB for each", each >> 10);
        assert!(each < IDLE_MAX, "{each} bytes for each plugin that nobody calls");
    }
    let began = Instant::now();
    for n in (0..PLUGINS).step_by(CALLED) {
        assert_eq!(host.get(&format!("/hello-{n}/version")).await.text(), "1");
    }
    println!("the first call of {} of them took {:?}", PLUGINS / CALLED, began.elapsed());
    println!("memory now {:?} MiB", mib(memory(&host)));
}

/// A thousand take longer than what other tests wait for.
async fn until_ready(host: &Host, began: Instant) {
    while host.admin("/readyz").await.status != 200 {
        assert!(began.elapsed().as_secs() < 600, "the host does not become ready\n{}", host.log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
