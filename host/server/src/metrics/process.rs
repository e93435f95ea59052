//! What this process takes of its machine, as Linux tells it under `/proc/self`; elsewhere nothing is told.

use std::{fs, time::Duration};

/// What it takes now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Usage {
    /// CPU time in its own code.
    pub(super) user: Duration,
    /// CPU time in the kernel, on its behalf.
    pub(super) system: Duration,
    /// Bytes of memory that it has for itself or shares.
    pub(super) resident: u64,
    /// Bytes of addresses that it has taken, most of which are only reserved.
    pub(super) virtual_size: u64,
    pub(super) threads: u64,
    pub(super) descriptors: u64,
}

/// Asks the system.
pub(super) fn usage() -> Option<Usage> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let descriptors = fs::read_dir("/proc/self/fd").ok()?.count();
    let (page, ticks) = (rustix::param::page_size(), rustix::param::clock_ticks_per_second());
    // Less the one by which they were counted.
    parse(&stat, page as u64, ticks, descriptors.saturating_sub(1) as u64)
}

/// The fields of proc_pid_stat(5). The second one is the program's name in parentheses, which may hold anything.
fn parse(stat: &str, page: u64, ticks: u64, descriptors: u64) -> Option<Usage> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    // What follows the name begins with field 3.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let time = |number| Some(Duration::from_millis(field(number)?.saturating_mul(1_000) / ticks.max(1)));
    Some(Usage {
        user: time(14)?,
        system: time(15)?,
        threads: field(20)?,
        virtual_size: field(23)?,
        resident: field(24)?.saturating_mul(page),
        descriptors,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_program_may_hold_anything() {
        let stat = "12 (a) b) R 1 12 12 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 7 0 9 4096000 321 1844 1 1";
        let usage = parse(stat, 4_096, 100, 5).expect("all fields are there");
        assert_eq!((usage.user, usage.system), (Duration::from_millis(2_500), Duration::from_millis(500)));
        let rest = (usage.threads, usage.virtual_size, usage.resident, usage.descriptors);
        assert_eq!(rest, (7, 4_096_000, 321 * 4_096, 5));
        assert_eq!(parse("12 (a", 1, 1, 1), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_takes_something() {
        let usage = usage().expect("it is Linux");
        assert!(usage.resident > 0 && usage.virtual_size >= usage.resident && usage.threads > 0);
    }
}
