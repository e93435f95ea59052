//! What loading large components costs the host: little, as they are compiled in a child process, and mapped when called.
#![cfg(target_os = "linux")]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use switchyard_tests::Setup;

use crate::{
    checks,
    languages::{built, live, say, until},
};

/// What the host may hold in memory at most with all of these loaded and called: a guest of the largest needs 40 MiB.
const HOST_MAX_KIB: u64 = 384 << 10;

/// What a compile child may hold at most: its own limit, and what is mapped from files.
const CHILD_MAX_KIB: u64 = (3 << 20) + (256 << 10);

/// The most memory that a process ever held, in KiB; none when it is gone.
fn peak_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The processes that this one started.
fn children_of(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

/// The component with another one inside, which it never makes use of: all of it has to be compiled.
fn nested(mut outer: Vec<u8>, inner: &[u8]) -> Vec<u8> {
    const COMPONENT_SECTION: u8 = 4;
    outer.push(COMPONENT_SECTION);
    let mut length = inner.len();
    while length >= 0x80 {
        outer.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    outer.push(u8::try_from(length).unwrap());
    outer.extend(inner);
    outer
}

/// What there is of large components here, by name.
fn components() -> Vec<(&'static str, Vec<u8>)> {
    let read = |folder: &Path, name: &str| fs::read(folder.join(format!("{name}.wasm"))).unwrap();
    let mut components = Vec::new();
    if let Some(folder) = built("javascript") {
        components.push(("javascript", read(&folder, "javascript-starlingmonkey")));
    }
    if let Some(folder) = built("python") {
        components.push(("python", read(&folder, "python-p3")));
        let python = read(&folder, "python-p2");
        components.push(("python-twice", nested(python.clone(), &python)));
    }
    components
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn components_of_tens_of_megabytes_are_loaded_in_bounded_memory() {
    let components = components();
    if components.is_empty() {
        return;
    }
    let host = Setup::new().start().await;
    let idle = peak_kib(host.pid()).unwrap();
    let (pid, is_over) = (host.pid(), Arc::new(AtomicBool::new(false)));
    let peaks = Arc::new(Mutex::new(BTreeMap::<u32, u64>::new()));
    let watcher = std::thread::spawn({
        let (peaks, is_over) = (peaks.clone(), is_over.clone());
        move || {
            while !is_over.load(Ordering::Relaxed) {
                for child in children_of(pid) {
                    if let Some(peak) = peak_kib(child) {
                        peaks.lock().unwrap().insert(child, peak);
                    }
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    });
    for (name, component) in &components {
        host.copy(name, component);
    }
    for (name, _) in &components {
        live(&host, name).await;
        checks::says_hello(&host, name).await;
    }
    // What is live at once is compiled once more, by the optimising compiler, which needs more.
    for (name, _) in &components {
        until(&host, name, |plugin| plugin["tier"] == "optimised").await;
    }
    is_over.store(true, Ordering::Relaxed);
    watcher.join().unwrap();
    let (loaded, children) = (peak_kib(pid).unwrap(), peaks.lock().unwrap().clone());
    say(&format!(
        "components of {:?} MiB; the host's peak memory: {} MiB empty, {} MiB with them; of the compile children: {:?} MiB",
        components.iter().map(|(_, component)| component.len() >> 20).collect::<Vec<_>>(),
        idle >> 10,
        loaded >> 10,
        children.values().map(|peak| peak >> 10).collect::<Vec<_>>(),
    ));
    assert!(loaded < HOST_MAX_KIB, "the host held {loaded} KiB\n{}", host.log());
    let largest = children.values().max().expect("a compile child was seen");
    assert!(*largest < CHILD_MAX_KIB, "a compile child held {largest} KiB");
}
