//! Bodies in chunks, read strictly.

/// The body at the front of these bytes, and how many of them it takes; none when it is not whole yet.
pub(crate) fn decode(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let line = line(&bytes[at..])?;
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let digits = std::str::from_utf8(digits).expect("a size is text");
        let size = usize::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("'{digits}' is no size of a chunk"));
        at += line.len() + 2;
        if size == 0 {
            break;
        }
        body.extend_from_slice(bytes.get(at..at + size)?);
        let end = bytes.get(at + size..at + size + 2)?;
        assert_eq!(end, b"\r\n", "a chunk ends with its line");
        at += size + 2;
    }
    // Trailers, up to an empty line.
    loop {
        let line = line(&bytes[at..])?;
        at += line.len() + 2;
        if line.is_empty() {
            return Some((body, at));
        }
    }
}

fn line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.windows(2).position(|window| window == b"\r\n")?;
    Some(&bytes[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_ends_with_its_trailers() {
        let bytes = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nA: b\r\n\r\nrest";
        assert_eq!(decode(bytes), Some((b"abcde".to_vec(), bytes.len() - 4)));
        for length in 0..bytes.len() - 4 {
            assert_eq!(decode(&bytes[..length]), None, "{length}");
        }
    }
}
