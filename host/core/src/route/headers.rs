//! What a rule asks of a request's headers.

use std::fmt;

use super::action::HeaderMatch;

/// The most headers that one rule asks for.
pub const HEADERS_MAX: usize = 16;

/// The longest value that a rule asks for, in bytes.
const VALUE_MAX: usize = 1_024;

/// Why a rule cannot ask for these headers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHeaders {
    /// More than [`HEADERS_MAX`].
    #[error("a route asks for at most {HEADERS_MAX} headers; leave some out")]
    TooMany,
    /// No header can have this name.
    #[error("'{0}' is not the name of a header; use letters, digits and '-'")]
    Name(String),
    /// No header can have this value.
    #[error(
        "no request can have this value of '{0}'; use 1 to {VALUE_MAX} visible characters, without spaces at the ends, \
         or true for any value"
    )]
    Value(String),
}

impl HeaderMatch {
    /// Checks what a route asks for, and puts it into the order in which rules are compared: pairs of a name in any
    /// case and the value that it must have, none for any.
    ///
    /// # Errors
    /// With the first one that no request could fulfil.
    pub fn list<N, V>(asked: impl IntoIterator<Item = (N, Option<V>)>) -> Result<Vec<Self>, InvalidHeaders>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let one = |(name, value): (N, Option<V>)| Self::checked(name.as_ref(), value.as_ref().map(AsRef::as_ref));
        let mut list = asked.into_iter().map(one).collect::<Result<Vec<_>, _>>()?;
        list.sort();
        list.dedup();
        if list.len() > HEADERS_MAX { Err(InvalidHeaders::TooMany) } else { Ok(list) }
    }

    /// A token (RFC 9110, section 5.6.2) but for the underscore: the gateway refuses requests with one in a name.
    fn checked(name: &str, value: Option<&str>) -> Result<Self, InvalidHeaders> {
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(InvalidHeaders::Name(name.to_owned()));
        }
        let is_value = |value: &str| {
            let is_sent = |b: u8| b.is_ascii_graphic() || b == b' ';
            (1..=VALUE_MAX).contains(&value.len()) && value.bytes().all(is_sent) && value.trim() == value
        };
        match value {
            Some(value) if !is_value(value) => Err(InvalidHeaders::Value(name.to_owned())),
            value => Ok(Self { name: name.to_ascii_lowercase(), value: value.map(str::to_owned) }),
        }
    }
}

impl fmt::Display for HeaderMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}: {value}", self.name),
            None => write!(f, "{}: *", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(asked: &[(&str, Option<&str>)]) -> Result<Vec<String>, InvalidHeaders> {
        let list = HeaderMatch::list(asked.iter().copied())?;
        Ok(list.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_list_is_in_one_order_without_repetition_and_case() {
        let asked = [("X-Tenant", Some("a b")), ("accept", None), ("x-tenant", Some("a b")), ("X-Tenant", Some("c"))];
        assert_eq!(list(&asked).unwrap(), ["accept: *", "x-tenant: a b", "x-tenant: c"]);
    }

    #[test]
    fn what_no_request_can_have_is_refused() {
        for name in ["", "a b", "a_b", "ä", "a:"] {
            assert_eq!(list(&[(name, None)]), Err(InvalidHeaders::Name(name.to_owned())));
        }
        for value in ["", " a", "a ", "a\n", "ä", &"x".repeat(VALUE_MAX + 1)] {
            assert_eq!(list(&[("a", Some(value))]), Err(InvalidHeaders::Value("a".to_owned())), "{value}");
        }
        let many: Vec<_> = (0..=HEADERS_MAX).map(|number| (format!("x-{number}"), None::<&str>)).collect();
        assert_eq!(HeaderMatch::list(many), Err(InvalidHeaders::TooMany));
    }
}
