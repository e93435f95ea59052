//! The query of a URL, as `application/x-www-form-urlencoded`.

use switchyard_core::problem::Code;

use super::reply::Problem;

/// The members of a query, in order; a name may come several times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<'a>(&'a str);

// === impl Query ===

impl<'a> Query<'a> {
    /// The query as it stands behind the `?`.
    pub(crate) fn new(raw: &'a str) -> Self {
        Self(raw)
    }

    /// The first value of this name.
    pub(crate) fn first(&self, name: &str) -> Option<String> {
        self.all(name).next()
    }

    /// The number of this name, from 1 to `max`; `default` when there is none.
    ///
    /// # Errors
    /// When it is no such number.
    pub(crate) fn number(&self, name: &str, default: usize, max: usize) -> Result<usize, Problem> {
        let Some(text) = self.first(name) else { return Ok(default) };
        let wrong = || Problem::new(Code::BadRequest, format!("{name} is '{text}', not a number from 1 to {max}"));
        text.parse().ok().filter(|number| (1..=max).contains(number)).ok_or_else(wrong)
    }

    /// Whether this name is there as `true`; false when it is not there.
    ///
    /// # Errors
    /// When it is neither true nor false.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.first(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(text) => Err(Problem::new(Code::BadRequest, format!("{name} is '{text}', neither true nor false"))),
        }
    }

    /// Every member, in order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (String, String)> + use<'a> {
        let members = self.0.split('&').filter(|member| !member.is_empty());
        members
            .map(|member| member.split_once('=').unwrap_or((member, "")))
            .map(|(key, value)| (decode(key), decode(value)))
    }

    /// Every value of this name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = String> {
        let members = self.0.split('&').map(|member| member.split_once('=').unwrap_or((member, "")));
        members.filter(move |(key, _)| decode(key) == name).map(|(_, value)| decode(value))
    }
}

/// A segment of a path, with what is percent-encoded decoded.
pub(crate) fn decode_path(segment: &str) -> String {
    // A plus is itself in a path.
    decode(&segment.replace('+', "%2B"))
}

fn decode(text: &str) -> String {
    let (mut rest, mut decoded) = (text.as_bytes(), Vec::with_capacity(text.len()));
    while let [byte, after @ ..] = rest {
        let (byte, after) = match (byte, hex_pair(after)) {
            (b'%', Some(byte)) => (byte, &after[2..]),
            (b'+', _) => (b' ', after),
            (byte, _) => (*byte, after),
        };
        decoded.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex_pair(rest: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(rest.first()?)? << 4 | digit(rest.get(1)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_decoded() {
        let query = Query::new("tag=a%20b&tag=c+d&na%6de=x%2&empty");
        assert_eq!(query.all("tag").collect::<Vec<_>>(), ["a b", "c d"]);
        assert_eq!(query.first("name").as_deref(), Some("x%2"));
        assert_eq!(query.first("empty").as_deref(), Some(""));
        assert_eq!(query.first("other"), None);
    }
}
