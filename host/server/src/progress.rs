//! How far long work is: a bar on a terminal, a line at its begin elsewhere, nothing where a program reads.
//!
//! All bars of the process are drawn by one, which steps aside for whoever logs: lines and bars never mix.

use std::{
    io::{self, IsTerminal, Write},
    sync::LazyLock,
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    output,
    reload::{self, PluginState},
};

const TICK: Duration = Duration::from_millis(120);

/// What a spinner looks like.
const SPINNER: &str = "{spinner} {prefix}, {elapsed} {wide_msg}";

/// The same, with so many of so many done.
const STEPS: &str = "{spinner} {prefix}, {pos} of {len}, {elapsed} {wide_msg}";

/// A bar that fills up with bytes.
const BYTES: &str = "{spinner} {prefix} {bar:24} {bytes} of {total_bytes}, {elapsed}";

/// The one that draws.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Who is told of the progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Somebody who waits.
    People,
    /// A program, which reads the result.
    Program,
}

/// The progress of something; its bar disappears with the value.
pub(crate) struct Progress(Option<ProgressBar>);

/// Standard error as the log writes to it while bars may be there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stderr;

// === impl Audience ===

impl Audience {
    /// A program, if it asks for JSON.
    pub(crate) fn of(json: bool) -> Self {
        if json { Self::Program } else { Self::People }
    }
}

// === impl Progress ===

impl Progress {
    /// Begins something of which nobody knows how much it is; `what` as in "checking the store".
    pub(crate) fn begin(what: &str, audience: Audience) -> Self {
        Self::with(what, audience, || ProgressBar::new_spinner().with_style(style(SPINNER)))
    }

    /// Begins something that is so many bytes.
    pub(crate) fn bytes(what: &str, total: u64, audience: Audience) -> Self {
        Self::with(what, audience, || ProgressBar::new(total).with_style(style(BYTES)))
    }

    /// So many more are done.
    pub(crate) fn advance(&self, by: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(by);
        }
    }

    /// Goes on with something else, of which nobody knows how much it is.
    pub(crate) fn go_on(&self, what: &str) {
        if let Some(bar) = &self.0 {
            bar.set_style(style(SPINNER));
            bar.set_prefix(what.to_owned());
        }
    }

    fn with(what: &str, audience: Audience, bar: impl FnOnce() -> ProgressBar) -> Self {
        match audience {
            Audience::Program => Self(None),
            Audience::People if io::stderr().is_terminal() => Self(Some(shown(bar(), what))),
            Audience::People => {
                output::error_line(what);
                Self(None)
            }
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

/// Shows, on a terminal, how many plugins are loaded, until all are or `stop` is cancelled. Elsewhere the log tells it.
pub(crate) async fn loading(mut plugins: reload::Handle, stop: CancellationToken) {
    if !io::stderr().is_terminal() {
        return;
    }
    let progress = Progress(Some(shown(ProgressBar::new(0).with_style(style(STEPS)), "loading plugins")));
    loop {
        let shown = plugins.shown();
        if shown.is_ready {
            return;
        }
        let is_loading = |plugin: &&reload::PluginView| plugin.state == PluginState::Loading;
        let names: Vec<&str> = shown.plugins.iter().filter(is_loading).map(|plugin| plugin.name.as_str()).collect();
        if let Some(bar) = &progress.0 {
            bar.set_length(shown.plugins.len() as u64);
            bar.set_position((shown.plugins.len() - names.len()) as u64);
            bar.set_message(names.join(", "));
        }
        tokio::select! {
            () = stop.cancelled() => return,
            more = plugins.changed() => if !more { return },
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// Has a bar drawn.
pub(crate) fn shown(bar: ProgressBar, what: &str) -> ProgressBar {
    let bar = BARS.add(bar);
    bar.set_prefix(what.to_owned());
    bar.enable_steady_tick(TICK);
    bar
}

// === impl Stderr ===

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        BARS.suspend(|| io::stderr().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

impl MakeWriter<'_> for Stderr {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_one() {
        for template in [SPINNER, STEPS, BYTES] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
