//! Files that change while they are looked at.

use std::{
    fs::{self, OpenOptions},
    io::{Seek, Write},
    os::unix::fs::symlink,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use switchyard_tests::{Host, Setup, component_bytes};

use crate::{neighbour::Neighbour, peak_memory, until};

/// For how long somebody changes a file as fast as he can.
const STORM: Duration = Duration::from_secs(3);

async fn start() -> (Host, Neighbour) {
    let host = Setup::new().plugin("hello", "hello").start().await;
    let neighbour = Neighbour::watch(&host).await;
    (host, neighbour)
}

async fn active(host: &Host, stem: &str, version: &str) {
    until(host, &[stem.to_owned()], |plugin| plugin["state"] == "active" && plugin["version"] == version).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_grows_for_seconds_and_is_renamed_over_meanwhile_is_live_as_what_it_is_last() {
    let (host, neighbour) = start().await;
    let bytes = component_bytes("hello-next");
    let file = host.plugin_file("hello");
    // In its own place, as some editors and copies do: the first byte is gone before the last one is there.
    let mut writer = OpenOptions::new().write(true).truncate(true).open(&file).unwrap();
    for part in bytes.chunks(bytes.len() / 8 + 1) {
        writer.write_all(part).unwrap();
        // Longer than the quiet after which a missing close is given up.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    // Whole, still open, and written over by another while the first one goes on.
    host.rename_into_place("hello", &component_bytes("hello"));
    writer.rewind().unwrap();
    writer.write_all(b"garbage").unwrap();
    drop(writer);
    active(&host, "hello", "1.0.0").await;
    host.copy("hello", &bytes);
    active(&host, "hello", "2.0.0").await;
    assert!(host.plugin("hello").await["error"].is_null());
    neighbour.was_served("while its own file was written slowly").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_never_closed_is_live_once_it_is_quiet() {
    let (host, neighbour) = start().await;
    let mut writer = fs::File::create(host.plugin_file("open")).unwrap();
    writer.write_all(&component_bytes("hello-p2")).unwrap();
    active(&host, "open", "0.0.0").await;
    // Cut off under the host: what serves is a copy.
    writer.set_len(100).unwrap();
    until(&host, &["open".to_owned()], |plugin| plugin["error"].is_string()).await;
    assert_eq!(host.get("/open/").await.text(), "hello");
    neighbour.was_served("beside a file that is never closed").await;
    drop(writer);
}

/// Does this to a file as fast as it can, and leaves it as it was last.
fn storm(mut each: impl FnMut(u64) + Send + 'static) -> std::thread::JoinHandle<u64> {
    std::thread::spawn(move || {
        let began = Instant::now();
        let mut round = 0;
        while began.elapsed() < STORM {
            each(round);
            round += 1;
        }
        round
    })
}

async fn ended(storm: std::thread::JoinHandle<u64>) -> u64 {
    tokio::task::spawn_blocking(move || storm.join().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_changes_without_end_costs_the_neighbour_nothing_and_ends_as_it_is_last() {
    let (host, neighbour) = start().await;
    let (good, next) = (component_bytes("hello-p2"), component_bytes("hello-p3"));
    let file = host.plugin_file("storm");
    let rounds = ended(storm({
        let (file, good) = (file.clone(), good.clone());
        move |round| {
            let bytes: &[u8] = match round % 3 {
                0 => &good,
                1 => &next,
                _ => b"garbage",
            };
            fs::write(&file, bytes).unwrap();
        }
    }))
    .await;
    println!("rewritten {rounds} times");
    fs::write(&file, &good).unwrap();
    active(&host, "storm", "0.0.0").await;
    until(&host, &["storm".to_owned()], |plugin| plugin["error"].is_null()).await;
    assert_eq!(host.get("/storm/").await.text(), "hello");
    neighbour.was_served("beside a file that changed without end").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_becomes_a_link_or_a_pipe_while_it_is_loaded_is_neither_followed_nor_waited_for() {
    let (host, neighbour) = start().await;
    let good = component_bytes("hello-p2");
    let file = host.plugin_file("turncoat");
    let swap = |file: &Path, make: &dyn Fn(&Path)| {
        let beside = file.with_extension("beside");
        make(&beside);
        fs::rename(beside, file).unwrap();
    };
    let rounds = ended(storm({
        let (file, good) = (file.clone(), good.clone());
        move |round| match round % 3 {
            0 => swap(&file, &|at| fs::write(at, &good).unwrap()),
            1 => swap(&file, &|at| symlink("/dev/zero", at).unwrap()),
            _ => swap(&file, &|at| {
                let made = std::process::Command::new("mkfifo").arg(at).status().unwrap();
                assert!(made.success());
            }),
        }
    }))
    .await;
    println!("swapped {rounds} times");
    swap(&file, &|at| fs::write(at, &good).unwrap());
    active(&host, "turncoat", "0.0.0").await;
    until(&host, &["turncoat".to_owned()], |plugin| plugin["error"].is_null()).await;
    neighbour.was_served("beside a file that became a link and a pipe").await;
    if let Some(peak) = peak_memory(&host) {
        assert!(peak < 1 << 30, "{peak} bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_at_once_leave_the_neighbour_alone() {
    let (host, neighbour) = start().await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|n| {
            let (stop, file) = (stop.clone(), host.plugin_file(&format!("writer-{n}")));
            std::thread::spawn(move || {
                let mut writer = fs::File::create(file).unwrap();
                while !stop.load(SeqCst) {
                    // A notification each, and never whole.
                    writer.write_all(b"\0").unwrap();
                    if writer.stream_position().unwrap() > 1 << 20 {
                        writer.set_len(0).unwrap();
                        writer.rewind().unwrap();
                    }
                }
            })
        })
        .collect();
    tokio::time::sleep(STORM).await;
    // A good one is live meanwhile.
    host.copy("good", &component_bytes("hello-p2"));
    active(&host, "good", "0.0.0").await;
    stop.store(true, SeqCst);
    for writer in writers {
        writer.join().unwrap();
    }
    neighbour.was_served("beside writers that write without end").await;
}
