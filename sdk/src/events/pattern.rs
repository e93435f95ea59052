//! Topic patterns: `*` stands for one word, a final `>` for one or more.

/// A pattern that a handler is registered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pattern(&'static str);

// === impl Pattern ===

impl Pattern {
    /// # Panics
    /// When it is no pattern: that is a mistake in the program, told by the first test that makes the subscriber.
    pub(super) fn parse(text: &'static str) -> Self {
        let (rest, last) = text.rsplit_once('.').unwrap_or(("", text));
        let holds = !text.is_empty() && !last.is_empty() && !rest.split('.').any(|word| word == ">");
        assert!(holds && !text.starts_with('.') && !text.contains(".."), "`{text}` is no topic pattern");
        Self(text)
    }

    pub(super) fn as_str(self) -> &'static str {
        self.0
    }

    pub(super) fn matches(self, topic: &str) -> bool {
        let mut words = topic.split('.');
        for wanted in self.0.split('.') {
            match (wanted, words.next()) {
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (wanted, Some(word)) if wanted == word => {}
                _ => return false,
            }
        }
        words.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_one_word_and_for_the_rest() {
        for (pattern, topic, expected) in [
            ("order.created", "order.created", true),
            ("order.created", "order.created.eu", false),
            ("order.*", "order.created", true),
            ("order.*", "order", false),
            ("order.*", "order.created.eu", false),
            ("*.created", "order.created", true),
            ("order.>", "order.created.eu", true),
            ("order.>", "order", false),
            (">", "order", true),
        ] {
            assert_eq!(Pattern::parse(pattern).matches(topic), expected, "{pattern} of {topic}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_a_mistake() {
        for text in ["", ".", "a.", ".a", "a..b", ">.a", "a.>.b"] {
            let parsed = std::panic::catch_unwind(|| Pattern::parse(text));
            assert!(parsed.is_err(), "{text}");
        }
    }
}
