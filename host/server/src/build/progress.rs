//! How far a build is: a spinner on a terminal, nothing elsewhere.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

use crate::progress;

/// The progress of one build; it disappears with the value.
pub(super) struct Progress(Option<ProgressBar>);

// === impl Progress ===

impl Progress {
    /// Begins to show.
    pub(super) fn begin() -> Self {
        Self(io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {prefix}, {pos} crates done, {elapsed} {wide_msg}");
            let bar = ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            progress::shown(bar, "building")
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
