//! What the program says on its own streams, apart from the log.

mod style;
mod text;

use std::{
    fmt::Display,
    io::{self, Write},
};

pub(crate) use style::{Style, Tone, width};
pub(crate) use text::{is_unseen, printable};

/// Prints one line on standard output, at once: others wait for it in a pipe. A reader that went away is its own
/// business.
pub(crate) fn line(text: impl Display) {
    let _ = write_line(text);
}

/// Prints one line on standard output, at once.
///
/// # Errors
/// When nobody reads it any more: whoever would write for ever stops then.
pub(crate) fn write_line(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush())
}

/// Prints one line on standard error.
pub(crate) fn error_line(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints an error and what caused it, each cause on a line of its own.
pub(crate) fn report(error: &anyhow::Error) {
    let style = Style::of_stderr();
    error_line(format_args!("{} {error}", style.paint("error:", Tone::Bad)));
    for cause in error.chain().skip(1) {
        error_line(format_args!("  {} {cause}", style.paint("because:", Tone::Faint)));
    }
}
