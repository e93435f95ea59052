//! What a compile child may use up, and what it means when one ends without a verdict.

use std::{process::ExitStatus, time::Duration};

use super::PrepareError;

/// Memory of a compile child: a 20 MB component takes about one.
pub const COMPILE_MEMORY_MAX: u64 = 3 << 30;

/// Wall time of a compile child: a 20 MB component takes half a minute on a slow core.
pub const COMPILE_TIME_MAX: Duration = Duration::from_secs(180);

/// CPU time of a compile child on all cores, however long the component.
const CPU_MAX: Duration = Duration::from_secs(360);

/// CPU time that any component may take. A component that is no bomb takes about 1.5 s for each MiB.
const CPU_FOR_ANY: Duration = Duration::from_secs(20);

/// CPU time that each MiB of the component adds.
const CPU_FOR_MIB: Duration = Duration::from_secs(15);

/// The most code that is made of a component, in bytes.
pub(super) const CODE_MAX: u64 = 1 << 30;

/// The longest answer of a compile child, in bytes: what a component says of itself, above all.
pub(super) const ANSWER_MAX: u64 = 256 << 10;

/// How much of a child's complaint is kept, in bytes.
pub(super) const COMPLAINT_MAX: u64 = 4 << 10;

/// What the kernel counts against the child when memory runs out, from -1000 to 1000: it is always the first to go.
#[cfg(target_os = "linux")]
pub(super) const OUT_OF_MEMORY_SCORE: &str = "1000";

/// How much nicer than the host a compile is that somebody waits for: the services that serve meanwhile go first.
pub(super) const NICENESS: i32 = 5;

/// How much nicer a compile in the background is.
pub(super) const BACKGROUND_NICENESS: i32 = 10;

/// The exit code that says: the component is at fault, and standard error says how.
pub(super) const UNUSABLE: u8 = 3;

/// The exit code that says: the host is at fault, its disk most often, and standard error says how.
pub(super) const TROUBLE: u8 = 1;

/// Signals by which the system enforces limits. Their numbers are the same on Linux and macOS.
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;
const SIGXFSZ: i32 = 25;

/// The CPU time of a child that compiles so many bytes: what a small component takes more than that is meant to hurt.
pub(super) fn cpu_max(component_bytes: u64) -> Duration {
    let kib = u32::try_from(component_bytes >> 10).unwrap_or(u32::MAX);
    (CPU_FOR_ANY + CPU_FOR_MIB / 1024 * kib).min(CPU_MAX)
}

/// What it means that a child ended in this way without having answered.
pub(super) fn verdict(status: ExitStatus, complaint: &str, cpu_max: Duration) -> PrepareError {
    use std::os::unix::process::ExitStatusExt;
    let last = complaint.trim().lines().last().unwrap_or_default();
    match (status.code().and_then(|code| u8::try_from(code).ok()), status.signal()) {
        (Some(UNUSABLE), _) => PrepareError::Unusable(complaint.trim().to_owned()),
        (Some(TROUBLE), _) => PrepareError::Host(last.to_owned()),
        (_, Some(SIGXCPU)) => PrepareError::TooExpensive(format!("the {cpu_max:?} of CPU time that its size allows")),
        (_, Some(SIGXFSZ)) => PrepareError::TooExpensive(format!("{} GiB of code", CODE_MAX >> 30)),
        // Whoever kills a compiler from outside, it is almost always the kernel, for its memory.
        (_, Some(SIGKILL)) => PrepareError::TooExpensive("the memory that this machine has".to_owned()),
        _ if complaint.contains("memory allocation") => {
            PrepareError::TooExpensive(format!("{} GiB of memory", COMPILE_MEMORY_MAX >> 30))
        }
        // A stack that overflowed, or a panic: no sound component does that to the compiler.
        _ => PrepareError::Unusable(format!(
            "the compiler broke on it ({status}) {last}; build it again with a current toolchain"
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn small_components_may_take_little_time_and_none_takes_for_ever() {
        assert_eq!(cpu_max(0).as_secs(), 20);
        assert!((34..=36).contains(&cpu_max(1 << 20).as_secs()));
        assert_eq!(cpu_max(20 << 20).as_secs() / 10, 31);
        assert_eq!(cpu_max(u64::MAX), CPU_MAX);
    }

    #[test]
    fn only_trouble_of_the_host_is_tried_again() {
        let of = |raw: i32, complaint: &str| verdict(ExitStatus::from_raw(raw), complaint, Duration::from_secs(20));
        let text = |raw, complaint| of(raw, complaint).to_string();
        assert!(matches!(of(1 << 8, "No space left on device"), PrepareError::Host(_)));
        assert!(matches!(of(3 << 8, "it imports"), PrepareError::Unusable(text) if text == "it imports"));
        assert!(matches!(of(101 << 8, "thread panicked"), PrepareError::Unusable(_)));
        assert!(matches!(of(11, ""), PrepareError::Unusable(_)));
        assert!(text(24, "").contains("more than the 20s of CPU time"), "{}", text(24, ""));
        assert!(text(9, "").contains("more than the memory that this machine has"));
        assert!(text(6, "memory allocation of 7 bytes failed").contains("more than 3 GiB of memory"));
    }
}
