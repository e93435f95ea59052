//! Colours, where somebody sees them: on a terminal, unless NO_COLOR or CLICOLOR say otherwise (no-color.org,
//! bixense.com/clicolors).

use std::io::{self, IsTerminal};

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    has_colour: bool,
}

/// What a text's colour says. It says nothing that the text does not say as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// All is well.
    Good,
    /// Somebody should look at it.
    Warn,
    /// It has failed.
    Bad,
    /// It matters less than what is around it.
    Faint,
    /// A heading.
    Strong,
}

/// How many columns standard output has, if it is a terminal.
pub(crate) fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

// === impl Style ===

impl Style {
    /// Without colours.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { has_colour: false };

    /// With colours.
    #[cfg(test)]
    pub(crate) const COLOURED: Self = Self { has_colour: true };

    /// As standard output shows it.
    pub(crate) fn of_stdout() -> Self {
        Self::of(io::stdout().is_terminal(), |name| std::env::var(name).ok())
    }

    /// As standard error shows it.
    pub(crate) fn of_stderr() -> Self {
        Self::of(io::stderr().is_terminal(), |name| std::env::var(name).ok())
    }

    fn of(is_terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let said = |name: &str| variable(name).filter(|value| !value.is_empty());
        let is_on = |name: &str| said(name).is_some_and(|value| value != "0");
        let is_off =
            said("CLICOLOR").is_some_and(|value| value == "0") || said("TERM").is_some_and(|term| term == "dumb");
        let has_colour = said("NO_COLOR").is_none() && (is_on("CLICOLOR_FORCE") || (is_terminal && !is_off));
        Self { has_colour }
    }

    /// Whether text is coloured.
    pub(crate) fn has_colour(self) -> bool {
        self.has_colour
    }

    /// The text in its colour.
    pub(crate) fn paint(self, text: &str, tone: Tone) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Warn => "33",
            Tone::Bad => "31",
            Tone::Faint => "2",
            Tone::Strong => "1",
        };
        if self.has_colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(is_terminal: bool, variables: &[(&str, &str)], has_colour: bool) {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        assert_eq!(Style::of(is_terminal, variable), Style { has_colour }, "{is_terminal} {variables:?}");
    }

    #[test]
    fn colours_are_for_terminals_unless_somebody_says_otherwise() {
        check(true, &[], true);
        check(false, &[], false);
        check(true, &[("NO_COLOR", "1")], false);
        check(true, &[("NO_COLOR", "")], true);
        check(true, &[("CLICOLOR", "0")], false);
        check(true, &[("TERM", "dumb")], false);
        check(false, &[("CLICOLOR_FORCE", "1")], true);
        check(false, &[("CLICOLOR_FORCE", "0")], false);
        check(true, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false);
    }

    #[test]
    fn a_coloured_text_ends_its_colour() {
        assert_eq!(Style::COLOURED.paint("open", Tone::Bad), "\u{1b}[31mopen\u{1b}[0m");
        assert_eq!(Style::PLAIN.paint("open", Tone::Bad), "open");
    }
}
