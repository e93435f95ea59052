//! How much memory guests may take together.
//!
//! The system ends a process that takes more than there is, and it chooses the largest. So guests get no more than three
//! quarters of what this process can have: the machine's memory, or that of the control group around it.

use std::{fs, path::Path};

use switchyard_core::units::ByteSize;
use switchyard_runtime::Runtime;

/// What a control group may have (of version 2, as seen from within it; and of version 1).
const GROUPS: [&str; 2] = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/// Limits the guests of a host to what the configuration says, else to what there is.
pub(super) fn limit(runtime: &Runtime, said: Option<u64>) {
    let groups = GROUPS.map(|file| fs::read_to_string(Path::new(file)).ok().and_then(|text| in_group(&text)));
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| of_machine(&text));
    let there = groups.into_iter().chain([machine]).flatten().min();
    let Some(max) = said.or(there.map(share)) else {
        tracing::warn!(
            "how much memory there is cannot be told; limit that of all guests by memory-max under [plugins]"
        );
        return;
    };
    tracing::debug!(max = %ByteSize(max), "the memory of all guests together");
    runtime.limit_memory(max);
}

/// Three quarters.
fn share(bytes: u64) -> u64 {
    bytes / 4 * 3
}

/// A number of bytes; none for `max`, which means no limit.
fn in_group(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// From the line `MemTotal: 1234 kB`.
fn of_machine(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1 << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_is_read_as_the_system_writes_it() {
        assert_eq!(of_machine("MemFree: 1 kB\nMemTotal:       16384 kB\nSwap: 2 kB\n"), Some(16 << 20));
        assert_eq!(of_machine("MemTotal: many kB"), None);
        assert_eq!((in_group("max\n"), in_group("1048576\n")), (None, Some(1 << 20)));
        assert_eq!(share(16 << 20), 12 << 20);
    }
}
