//! What can be put under load, and what is seen of it.

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;

/// Ticks a second of `/proc/PID/stat`: Linux promises 100 to programs, whatever the kernel counts in.
pub(super) const TICKS: f64 = 100.0;

/// Something under load, from its own clients.
#[async_trait(?Send)]
pub(crate) trait Contender {
    /// How the table calls it.
    fn name(&self) -> &'static str;

    /// The server's processes, whose processor time counts; none when it runs in this one.
    fn pids(&self) -> Vec<u32>;

    /// Loads it for so long. What connects comes before the clock starts.
    async fn run(&self, span: Duration) -> Result<Outcome>;
}

/// What one load did.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Events, messages or sagas that went all the way.
    pub(crate) done: u64,
    /// From the first request to the last answer.
    pub(crate) took: Duration,
    /// Of each, where each was waited for by itself; in no order.
    pub(crate) latencies: Vec<Duration>,
    /// What went wrong; any makes the round no measurement.
    pub(crate) errors: Vec<String>,
}

/// One load as figures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    /// Microseconds of processor time of the server for each.
    pub(crate) cpu_us: Option<f64>,
}

// === impl Outcome ===

impl Outcome {
    /// With what another client did at the same time.
    pub(super) fn add(&mut self, other: Self) {
        self.done += other.done;
        self.latencies.extend(other.latencies);
        self.errors.extend(other.errors);
    }

    /// With the seconds of processor time that the server used meanwhile.
    pub(crate) fn figures(mut self, cpu: Option<f64>) -> Figures {
        self.latencies.sort_unstable();
        let last = self.latencies.len().checked_sub(1);
        let at = |percent: usize| last.map(|last| self.latencies[last * percent / 100].as_secs_f64() * 1e3);
        let done = self.done.max(1) as f64;
        Figures {
            per_second: self.done as f64 / self.took.as_secs_f64(),
            p50_ms: at(50),
            p99_ms: at(99),
            cpu_us: cpu.map(|seconds| seconds * 1e6 / done),
        }
    }
}

/// Seconds of processor time that processes have used; none without any, and where the system does not tell.
pub(crate) fn cpu_seconds(pids: &[u32]) -> Option<f64> {
    let seconds = pids.iter().map(|pid| seconds_of(*pid)).sum();
    if pids.is_empty() { None } else { seconds }
}

fn seconds_of(pid: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything, a parenthesis too; the 14th and 15th fields are user and system time.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11..13)?.iter().filter_map(|field| field.parse::<f64>().ok()).sum();
    Some(ticks / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_of_the_sorted_latencies() {
        let latencies = (1..=100).rev().map(Duration::from_millis).collect();
        let outcome = Outcome { done: 100, took: Duration::from_secs(2), latencies, errors: Vec::new() };
        let figures = outcome.figures(Some(0.01));
        assert_eq!((figures.p50_ms, figures.p99_ms), (Some(50.0), Some(99.0)));
        assert_eq!((figures.per_second, figures.cpu_us), (50.0, Some(100.0)));
        assert_eq!(Outcome::default().figures(None).p50_ms, None);
    }
}
