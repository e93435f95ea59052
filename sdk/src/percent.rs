//! Percent-encoding, both ways, and the names and texts of queries and forms.

/// `%2F` becomes `/`. What is no escape stays as it is; what is no UTF-8 then, is replaced.
pub(crate) fn decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.extend(u8::try_from(high * 16 + low));
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// `/` becomes `%2F`: all but what RFC 3986 calls unreserved is escaped, so that the text is one segment of a path, or one
/// value of a query, whatever it holds.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The names and texts of `a=1&b=2`, decoded, with `+` read as a space.
pub(crate) fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let of_form = |text: &str| decoded(&text.replace('+', " "));
    pairs.map(move |pair| {
        let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
        (of_form(name), of_form(text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_escapes_stay_as_they_are() {
        for (text, expected) in [("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%41%", "A%"), ("%c3%a9", "é")] {
            assert_eq!(decoded(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_encoded_is_decoded_to_the_same() {
        for text in ["", "a", "a/b?c=d&e", "é %41", "~.-_"] {
            assert_eq!(decoded(&encoded(text)), text);
            assert!(encoded(text).bytes().all(|byte| byte.is_ascii_graphic() && !b"/?&=+".contains(&byte)), "{text}");
        }
    }

    #[test]
    fn pairs_are_decoded_and_may_have_no_value() {
        let found: Vec<(String, String)> = pairs("a=1&&b&c=x+y%2B&=z").collect();
        let expected = [("a", "1"), ("b", ""), ("c", "x y+"), ("", "z")];
        assert_eq!(found, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    }
}
