//! How fast the embedded store is on this machine:
//! `cargo run --release -p switchyard-store --example store_bench [kv|append|queue|all] [FOLDER]`.
//!
//! Prints operations a second and their latency. The folder decides what an fsync costs; a fresh one under the
//! present folder by default. What an fsync costs there is measured first.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

mod append;
mod kv;
mod measure;
mod queue;

use std::{
    env,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use switchyard_store::{Backend, Embedded, Options};

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;
type Store = Arc<dyn Backend>;

fn main() -> Result<()> {
    let what = env::args().nth(1).unwrap_or_else(|| "all".to_owned());
    if !["kv", "append", "queue", "all"].contains(&&*what) {
        return Err(format!("'{what}' is none of kv, append, queue, all").into());
    }
    let folder = env::args_os().nth(2).map_or_else(|| PathBuf::from("store-bench"), PathBuf::from);
    let folder = folder.join(format!("run-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let result = fsyncs(&folder).and_then(|()| runtime.block_on(run(&what, &folder)));
    fs::remove_dir_all(&folder)?;
    result
}

async fn run(what: &str, folder: &Path) -> Result<()> {
    let wanted = |name: &str| what == "all" || what == name;
    if wanted("kv") {
        let store = open(&folder.join("kv"))?;
        kv::run(&store, &folder.join("kv")).await?;
    }
    if wanted("append") {
        append::run(&open(&folder.join("append"))?).await?;
        let start = Instant::now();
        let store = open(&folder.join("append"))?;
        println!("open with {} records in the log: {:?}", *store.log_head().borrow(), start.elapsed());
        store.close().await?;
    }
    if wanted("queue") {
        queue::run(&open(&folder.join("queue"))?).await?;
    }
    Ok(())
}

fn open(folder: &Path) -> Result<Store> {
    Ok(Arc::new(Embedded::open(Options::new(folder))?))
}

/// What the disk can do at best: small writes, each on the disk before the next.
fn fsyncs(folder: &Path) -> Result<()> {
    const COUNT: u32 = 500;
    let mut file = File::create(folder.join("fsync"))?;
    file.write_all(&vec![0; 4_096 * 64])?;
    file.sync_all()?;
    let start = Instant::now();
    for n in 0..COUNT {
        std::os::unix::fs::FileExt::write_all_at(&file, &[7; 4_096], u64::from(n % 64) * 4_096)?;
        file.sync_data()?;
    }
    println!("disk: one write of 4 KiB and fdatasync takes {:?}", start.elapsed() / COUNT);
    Ok(())
}
