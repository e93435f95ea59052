//! Thousands of files at once.

use std::{
    fs,
    time::{Duration, Instant},
};

use switchyard_tests::{Setup, component_bytes};

use crate::{PATIENCE, neighbour::Neighbour, peak_memory, plugins, until};

/// Files that claim to be plugins.
const CLAIMS: usize = 3_000;

/// Files that do not.
const OTHERS: usize = 3_000;

/// How long a plugin that is good may take to be live beside all that, and the junk to be told: long for any machine.
const TOLD_MAX: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_junk_files_at_once_are_told_and_a_good_one_among_them_goes_live() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    let neighbour = Neighbour::watch(&host).await;
    let folder = host.path().join("plugins");
    let began = Instant::now();
    for n in 0..CLAIMS {
        let content: &[u8] = if n % 2 == 0 { b"" } else { b"\0asm\x01\0\0\0" };
        fs::write(folder.join(format!("junk-{n}.wasm")), content).unwrap();
        if n == CLAIMS / 2 {
            host.copy("good", &component_bytes("hello-p2"));
        }
    }
    for n in 0..OTHERS {
        fs::write(folder.join(format!("junk-{n}.{}", if n % 2 == 0 { "toml" } else { "txt" })), "junk").unwrap();
    }
    until(&host, &["good".to_owned()], |plugin| plugin["state"] == "active").await;
    println!("a good one was live after {:?}", began.elapsed());
    let stems: Vec<String> = (0..CLAIMS).map(|n| format!("junk-{n}")).collect();
    let told = until(&host, &stems, |plugin| plugin["state"] == "failed").await;
    println!("{CLAIMS} junk files were told after {:?}", began.elapsed());
    assert!(began.elapsed() < TOLD_MAX);
    assert!(told.iter().all(|plugin| plugin["error"].as_str().is_some_and(|error| error.contains("; "))));
    for stem in &stems {
        fs::remove_file(host.plugin_file(stem)).unwrap();
    }
    while plugins(&host).await.len() != 2 {
        assert!(began.elapsed() < PATIENCE, "what is gone is still shown");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("and gone after {:?}; peak memory {:?} MiB", began.elapsed(), peak_memory(&host).map(|bytes| bytes >> 20));
    neighbour.was_served("beside thousands of junk files").await;
}
