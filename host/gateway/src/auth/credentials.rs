//! What a request says about who calls.

use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};

use super::Kind;

/// The credentials of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presented<'a> {
    /// There are none.
    Absent,
    /// There are some, which cannot be those that are asked for.
    Malformed,
    /// A token or a key.
    Token(&'a str),
}

// === impl Presented ===

impl<'a> Presented<'a> {
    /// The credentials of the kind that is asked for. A request with two of them is in disagreement with itself.
    pub(crate) fn of(kind: &Kind, headers: &'a HeaderMap) -> Self {
        match kind {
            Kind::None => Self::Absent,
            Kind::Jwt(_) | Kind::Plugin(_) => Self::authorization(headers, &["bearer"]),
            Kind::ApiKey(policy) => match Self::single(headers, &policy.header) {
                Ok(None) => Self::authorization(headers, &["bearer", "apikey"]),
                Ok(Some(value)) => value.to_str().map_or(Self::Malformed, Self::token),
                Err(malformed) => malformed,
            },
        }
    }

    /// `SCHEME TOKEN`, the scheme in any case (RFC 9110, section 11.1).
    fn authorization(headers: &'a HeaderMap, schemes: &[&str]) -> Self {
        let value = match Self::single(headers, &AUTHORIZATION) {
            Ok(Some(value)) => value,
            Ok(None) => return Self::Absent,
            Err(malformed) => return malformed,
        };
        let parts = value.to_str().ok().and_then(|text| text.split_once(' '));
        match parts {
            Some((scheme, rest)) if schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known)) => {
                Self::token(rest.trim_start_matches(' '))
            }
            _ => Self::Malformed,
        }
    }

    fn token(text: &'a str) -> Self {
        let is_one = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_one { Self::Token(text) } else { Self::Malformed }
    }

    /// The only value of a header, if there is one.
    fn single(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Self> {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(Self::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::api_key, *};

    #[track_caller]
    fn check(kind: &Kind, headers: &[(&str, &str)], expected: Presented<'_>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        assert_eq!(Presented::of(kind, &map), expected, "{headers:?}");
    }

    #[test]
    fn a_bearer_token_stands_in_one_authorization_header() {
        let kind = Kind::Plugin("tokens".parse().unwrap());
        check(&kind, &[], Presented::Absent);
        check(&kind, &[("authorization", "Bearer a.b.c")], Presented::Token("a.b.c"));
        check(&kind, &[("authorization", "BEARER  a")], Presented::Token("a"));
        for value in ["", "Bearer", "Bearer ", "Basic YTpi", "a.b.c", "Bearer a b", "Bearera", "ApiKey a"] {
            check(&kind, &[("authorization", value)], Presented::Malformed);
        }
        check(&kind, &[("authorization", "Bearer a"), ("authorization", "Bearer a")], Presented::Malformed);
        check(&kind, &[("x-api-key", "k")], Presented::Absent);
        check(&Kind::None, &[("authorization", "Bearer a")], Presented::Absent);
    }

    #[test]
    fn a_key_stands_in_its_header_or_in_authorization() {
        let kind = Kind::ApiKey(api_key::Policy::new("X-Key", vec![]).unwrap());
        check(&kind, &[("x-key", "k")], Presented::Token("k"));
        check(&kind, &[("authorization", "ApiKey k")], Presented::Token("k"));
        check(&kind, &[("authorization", "bearer k")], Presented::Token("k"));
        check(&kind, &[("x-key", "k"), ("authorization", "Basic YTpi")], Presented::Token("k"));
        check(&kind, &[("x-key", "k"), ("x-key", "l")], Presented::Malformed);
        check(&kind, &[("x-key", "")], Presented::Malformed);
        check(&kind, &[("x-key", "a b")], Presented::Malformed);
    }
}
