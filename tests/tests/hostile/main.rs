//! Nothing that is put into the plugins folder, and no guest, takes the host or a neighbour down; and whoever looks is told
//! what is wrong, and what helps.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed test may panic, a test that cannot run here says so, and measurements are printed"
)]

mod bytes;
mod calls;
mod entries;
mod junk;
mod neighbour;
mod set;
mod side;
mod writers;

use std::time::{Duration, Instant};

use serde_json::Value;
use switchyard_tests::Host;

/// Long enough for all that is made to take long; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(240);

/// Waits until all of these are shown as failed, and answers what is said of each.
async fn until_failed(host: &Host, stems: &[String]) -> Vec<String> {
    until(host, stems, |plugin| plugin["state"] == "failed").await.iter().map(error).collect()
}

/// Waits until this holds for each of these plugins.
async fn until(host: &Host, stems: &[String], is: impl Fn(&Value) -> bool) -> Vec<Value> {
    let since = Instant::now();
    loop {
        let plugins = plugins(host).await;
        let find = |stem: &String| plugins.iter().find(|plugin| plugin["name"] == *stem);
        let found: Vec<_> = stems.iter().map(|stem| find(stem).cloned().unwrap_or_default()).collect();
        if found.iter().all(&is) {
            return found;
        }
        let missing: Vec<_> = stems.iter().zip(&found).filter(|(_, plugin)| !is(plugin)).collect();
        assert!(since.elapsed() < PATIENCE, "{missing:?}\n{}", host.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// All plugins, as the admin API shows them.
async fn plugins(host: &Host) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = host.admin(&format!("/api/v1/plugins?limit=1000{cursor}")).await.json();
        items.extend(page["items"].as_array().expect("a page has items").iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

fn error(plugin: &Value) -> String {
    plugin["error"].as_str().unwrap_or_default().to_owned()
}

/// What of a process has been in memory at most, in bytes; none where the system does not tell.
fn peak_memory(host: &Host) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", host.pid())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? << 10)
}
