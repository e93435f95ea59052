//! What else the machine does while something is measured: it belongs to the figures, since it spoils them.

use std::{fs, time::Instant};

use super::contender::{TICKS, cpu_seconds};

/// Counts from its making on.
pub(crate) struct Others {
    /// What is measured, and this process, which makes the load.
    pids: Vec<u32>,
    since: Instant,
    seconds: Option<f64>,
}

// === impl Others ===

impl Others {
    /// All but these processes and this one.
    pub(crate) fn than(pids: impl IntoIterator<Item = u32>) -> Self {
        let pids: Vec<u32> = pids.into_iter().chain([std::process::id()]).collect();
        let seconds = seconds_of_others(&pids);
        Self { pids, since: Instant::now(), seconds }
    }

    /// How much of all cores they took, in hundredths, where the system tells.
    pub(crate) fn percent(&self) -> Option<f64> {
        let took = seconds_of_others(&self.pids)? - self.seconds?;
        let cores = fs::read_to_string("/proc/stat").ok()?.lines().filter(|line| is_core(line)).count();
        Some((took / (self.since.elapsed().as_secs_f64() * cores as f64) * 100.0).max(0.0))
    }
}

fn seconds_of_others(pids: &[u32]) -> Option<f64> {
    Some(busy(&fs::read_to_string("/proc/stat").ok()?)? - cpu_seconds(pids)?)
}

/// Seconds that all cores were busy: all fields but those of idling and of waiting for a disk. Those of guests are in
/// the first two.
fn busy(stat: &str) -> Option<f64> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8).enumerate();
    let ticks: f64 =
        fields.filter(|(at, _)| !matches!(at, 3 | 4)).filter_map(|(_, field)| field.parse::<f64>().ok()).sum();
    Some(ticks / TICKS)
}

fn is_core(line: &str) -> bool {
    line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idling_and_waiting_are_not_busy() {
        let stat = "cpu  100 200 300 5000 6000 10 20 70 99 99\ncpu0 1 2\ncpu1 1 2\nintr 5\n";
        assert_eq!(busy(stat), Some(7.0));
        assert_eq!(stat.lines().filter(|line| is_core(line)).count(), 2);
        assert_eq!(busy("nothing"), None);
    }
}
