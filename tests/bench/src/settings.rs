//! What the command line says.

use anyhow::{Context, Result, bail, ensure};

/// The fewest rounds that a median is taken of.
const ROUNDS_MIN: usize = 5;

/// How much to measure.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Rounds; 5, and not fewer.
    pub(crate) rounds: usize,
    /// Seconds of each contender in each round; 6.
    pub(crate) seconds: u64,
    /// The tables wanted; all when none is named.
    tables: Vec<String>,
}

// === impl Settings ===

impl Settings {
    /// Reads the arguments; `tables` are the names that may be among them.
    pub(crate) fn parse(words: &[String], tables: &[&str]) -> Result<Self> {
        let mut settings = Self { rounds: ROUNDS_MIN, seconds: 6, tables: Vec::new() };
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let mut number =
                || words.next().and_then(|text| text.parse().ok()).with_context(|| format!("{word} NUMBER"));
            match word {
                "--rounds" => settings.rounds = number()?,
                "--seconds" => settings.seconds = u64::try_from(number()?)?,
                table if tables.contains(&table) => settings.tables.push(table.to_owned()),
                _ => bail!("'{word}' is none of: --rounds N, --seconds N, {}", tables.join(", ")),
            }
        }
        ensure!(settings.rounds >= ROUNDS_MIN, "a median needs at least {ROUNDS_MIN} rounds");
        ensure!(settings.seconds > 0, "a round needs at least a second");
        Ok(settings)
    }

    /// Whether a table is wanted.
    pub(crate) fn wants(&self, table: &str) -> bool {
        self.tables.is_empty() || self.tables.iter().any(|wanted| wanted == table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        Settings::parse(&words, &["publish", "queues"])
    }

    #[test]
    fn tables_are_all_unless_named() {
        assert!(parse("").is_ok_and(|settings| settings.wants("publish") && settings.wants("queues")));
        let one = parse("queues --seconds 1 --rounds 7").expect("that is how it is written");
        assert!(one.wants("queues") && !one.wants("publish"));
        assert_eq!((one.seconds, one.rounds), (1, 7));
    }

    #[test]
    fn wrong_arguments_are_refused() {
        for wrong in ["fan", "--rounds", "--rounds 4", "--seconds x", "--seconds 0"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
