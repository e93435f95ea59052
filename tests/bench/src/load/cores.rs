//! Which core what is measured runs on, and that it does not go to sleep.
//!
//! Left to itself, the system puts two that talk to each other on one core or on two as it comes, and lets a core halt
//! that has nothing to do for a moment. On a virtual core, to wake it takes longer than what a proxy adds, and how long
//! depends on how busy it was.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
};

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, Pid, sched_getaffinity, sched_setaffinity};

/// Where Linux is told how many microseconds a core may take to wake; it holds while the file is open.
const WAKING: &str = "/dev/cpu_dma_latency";

/// Keeps this process, which makes the load, on one core and servers on another, until dropped; what servers start goes
/// with them. On a machine of one core they share it.
pub(crate) struct Cores {
    /// All that this process may use.
    usable: CpuSet,
    awake: Option<File>,
}

// === impl Cores ===

impl Cores {
    pub(crate) fn keep(servers: impl IntoIterator<Item = u32>) -> Result<Self> {
        let usable = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| usable.is_set(*core)).map(only);
        if let Some((ours, theirs)) = cores.next().zip(cores.next()) {
            keep(std::process::id(), &ours)?;
            servers.into_iter().try_for_each(|pid| keep(pid, &theirs))?;
        }
        Ok(Self { usable, awake: stay_awake() })
    }

    /// Whether cores stay awake. Only root may say so, where the system listens.
    pub(crate) fn are_awake(&self) -> bool {
        self.awake.is_some()
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        // What is started next would be kept on our core otherwise, which is all that can go wrong.
        let _ = keep(std::process::id(), &self.usable);
    }
}

fn stay_awake() -> Option<File> {
    let mut file = OpenOptions::new().write(true).open(WAKING).ok()?;
    file.write_all(&0_i32.to_ne_bytes()).ok()?;
    Some(file)
}

fn only(core: usize) -> CpuSet {
    let mut set = CpuSet::new();
    set.set(core);
    set
}

fn keep(pid: u32, cores: &CpuSet) -> Result<()> {
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let id: i32 = thread?.file_name().to_str().and_then(|name| name.parse().ok()).context("threads are numbers")?;
        // A thread may have ended meanwhile.
        let _ = sched_setaffinity(Pid::from_raw(id), cores);
    }
    Ok(())
}
