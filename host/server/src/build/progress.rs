//! How far a build is: a spinner on a terminal, nothing elsewhere.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

const TICK: Duration = Duration::from_millis(120);

/// The progress of one build; it disappears with the value.
pub(super) struct Progress(Option<ProgressBar>);

// === impl Progress ===

impl Progress {
    /// Begins to show.
    pub(super) fn begin() -> Self {
        Self(io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} building, {pos} crates done, {elapsed} {wide_msg}");
            let bar = ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(TICK);
            bar
        }))
    }

    /// One more crate is built.
    pub(super) fn built(&self, name: &str) {
        if let Some(bar) = &self.0 {
            bar.inc(1);
            bar.set_message(name.to_owned());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
