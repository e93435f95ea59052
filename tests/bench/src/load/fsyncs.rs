//! How many fsyncs processes make, where `perf` is there and may say so.

use std::{
    io::Read as _,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tokio::time::sleep;

/// What is counted.
const CALLS: &str = "syscalls:sys_enter_fsync,syscalls:sys_enter_fdatasync";

/// How long perf has to attach itself.
const ATTACHING: Duration = Duration::from_millis(300);

/// How long perf may take to say what it counted.
const PATIENCE: Duration = Duration::from_secs(10);

/// A count that runs. It costs each system call of the processes a little.
pub(super) struct Fsyncs(Child);

// === impl Fsyncs ===

impl Fsyncs {
    /// Begins to count those of these processes; nothing without perf.
    pub(super) async fn count(pids: &[u32]) -> Option<Self> {
        if pids.is_empty() {
            return None;
        }
        let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
        let mut command = Command::new("perf");
        command.args(["stat", "-x,", "-e", CALLS, "-p", &pids.join(",")]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().ok()?;
        // It does not say when it has begun.
        sleep(ATTACHING).await;
        Some(Self(child))
    }

    /// How many there were; nothing when perf could not count them.
    pub(super) async fn end(mut self) -> Option<u64> {
        Command::new("kill").args(["-INT", &self.0.id().to_string()]).status().ok()?;
        let since = Instant::now();
        while self.0.try_wait().ok()?.is_none() {
            if since.elapsed() > PATIENCE {
                return None;
            }
            sleep(Duration::from_millis(10)).await;
        }
        let mut text = String::new();
        self.0.stderr.as_mut()?.read_to_string(&mut text).ok()?;
        sum(&text)
    }
}

impl Drop for Fsyncs {
    fn drop(&mut self) {
        // It has ended, unless something went wrong.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The counts of all calls, of which each is the first field of a line.
fn sum(text: &str) -> Option<u64> {
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("syscalls:")).collect();
    let counts = lines.iter().map(|line| line.split(',').next()?.parse::<u64>().ok());
    if lines.is_empty() { None } else { counts.sum() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_summed_unless_there_are_none() {
        let text = "# started\n3,,syscalls:sys_enter_fsync,1,100.00,,\n40,,syscalls:sys_enter_fdatasync,1,100.00,,\n";
        assert_eq!(sum(text), Some(43));
        assert_eq!(sum("<not supported>,,syscalls:sys_enter_fsync,0,100.00,,\n"), None);
        assert_eq!(sum("event syntax error: 'syscalls:sys_enter_fsync'\n"), None);
        assert_eq!(sum(""), None);
    }
}
