//! Where a member stands in the file, found by its name: for what is checked apart from how it is written.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::check::Wrong;
use crate::routes::InvalidRoute;

/// The text of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a>(pub(super) &'a str);

// === impl Text ===

impl Text<'_> {
    /// What is wrong with a member below `table`.
    pub(super) fn wrong(self, table: &[&str], invalid: InvalidRoute) -> Wrong {
        let below = invalid.member.iter().map(String::as_str);
        let member: Vec<&str> = table.iter().copied().chain(below).collect();
        Wrong { span: self.span(&member), message: invalid.message }
    }

    /// Where a member stands, or as much of the way to it as is there: names in kebab-case or camelCase, and numbers of
    /// items. An item of a list is found by its first member, since what stands in the text is often only that.
    pub(super) fn span(self, member: &[&str]) -> Range<usize> {
        let Ok(document) = DeTable::parse(self.0) else { return 0..0 };
        let mut span = document.span();
        let root = DeValue::Table(document.into_inner());
        let mut at = &root;
        for part in member {
            let next = match at {
                DeValue::Table(table) => table.get(*part).or_else(|| table.get(kebab(part).as_str())),
                DeValue::Array(items) => part.parse::<usize>().ok().and_then(|place| items.get(place)),
                _ => None,
            };
            let Some(next) = next else { break };
            (at, span) = (next.get_ref(), next.span());
        }
        span
    }
}

/// `rateLimit` as the file has it: `rate-limit`.
pub(super) fn kebab(name: &str) -> String {
    let mut kebab = String::with_capacity(name.len() + 2);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, member: &[&str], line: usize) {
        let span = Text(text).span(member);
        assert_eq!(1 + text[..span.start].matches('\n').count(), line, "{member:?}");
    }

    #[test]
    fn a_member_is_found_however_it_is_written() {
        let text = "[[route]]\npath = '/'\n[[route]]\npath = '/a'\nsplit = [\n{ service = 'a', weight = 1 },\n{ service = \
                    'b', weight = 2 }]\n[route.rate-limit]\n\nburst = 0\n[route.headers]\nX-A-b = 'c'\n";
        check(text, &["route", "0", "path"], 2);
        check(text, &["route", "1", "split", "1", "weight"], 7);
        check(text, &["route", "1", "rateLimit", "burst"], 10);
        check(text, &["route", "1", "rateLimit", "window"], 8);
        check(text, &["route", "1", "headers", "X-A-b"], 12);
        check(text, &["route", "1", "mirror"], 3);
    }
}
