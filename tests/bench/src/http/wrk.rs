//! One load with wrk.

use std::process::Command;

use anyhow::{Context, Result, ensure};

/// How hard, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) connections: u32,
    pub(crate) seconds: u64,
}

/// What wrk saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) per_second: f64,
    pub(crate) errors: u64,
}

// === impl Load ===

impl Load {
    /// Loads a URL.
    pub(crate) fn run(&self, url: &str) -> Result<Outcome> {
        let output = Command::new("wrk")
            .args(["-t1", &format!("-c{}", self.connections), &format!("-d{}s", self.seconds), url])
            .output()
            .context("cannot run wrk: apt-get install wrk")?;
        ensure!(output.status.success(), "wrk {url}: {}", String::from_utf8_lossy(&output.stderr));
        parse(&String::from_utf8_lossy(&output.stdout))
    }
}

fn parse(text: &str) -> Result<Outcome> {
    let after = |label: &str| text.lines().find_map(|line| line.trim().strip_prefix(label));
    let per_second = after("Requests/sec:").context("wrk printed no rate")?.trim().parse()?;
    let status = after("Non-2xx or 3xx responses:").map_or(Ok(0), |number| number.trim().parse())?;
    let socket: u64 = after("Socket errors:").map_or(0, |rest| {
        rest.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse::<u64>().ok()).sum()
    });
    Ok(Outcome { per_second, errors: status + socket })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_errors_are_read() {
        let text = "  Socket errors: connect 1, read 2, write 0, timeout 3\n  Non-2xx or 3xx responses: 4\nRequests/sec:  12345.67\n";
        let outcome = parse(text).expect("that is what wrk prints");
        assert_eq!(outcome.errors, 10);
        assert!((outcome.per_second - 12_345.67).abs() < 0.001);
        assert!(parse("nothing").is_err());
    }
}
