//! The token that a host may ask for: from a file, or from the environment; never from the command line, which others of
//! this machine can read.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use http::HeaderValue;

/// The variable that may hold the token itself.
const VARIABLE: &str = "SWITCHYARD_TOKEN";

/// Where the token is.
#[derive(Clone, Debug, Default)]
pub(super) struct Token(pub(super) Option<PathBuf>);

// === impl Token ===

impl Token {
    /// What `Authorization` says; none when no token is known.
    ///
    /// # Errors
    /// When the file cannot be read, or what is there cannot be a token.
    pub(super) fn header(&self) -> anyhow::Result<Option<HeaderValue>> {
        let (token, place) = match (&self.0, env::var(VARIABLE)) {
            (Some(file), _) => (first_line(file)?, format!("the first line of {}", file.display())),
            (None, Ok(token)) if !token.trim().is_empty() => (token, format!("the environment variable {VARIABLE}")),
            (None, _) => return Ok(None),
        };
        let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {}", token.trim())) else {
            bail!("{place} is no token: it has characters that no header can have");
        };
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

fn first_line(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| {
        format!("cannot read the token from {}; name another file with --token-file", file.display())
    })?;
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        bail!("the first line of {} is empty; it has to be the token of the admin API", file.display());
    }
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_the_first_line_of_its_file() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), " 0123456789abcdef\r\nmore\n").expect("it is written");
        let header = Token(Some(file.path().to_owned())).header().expect("it is there").expect("a token");
        assert_eq!(header, "Bearer 0123456789abcdef");
        assert!(!format!("{header:?}").contains("0123"));
        std::fs::write(file.path(), "\nx").expect("it is written");
        assert!(Token(Some(file.path().to_owned())).header().is_err());
        let error = Token(Some("/nowhere".into())).header().expect_err("it is not there");
        assert!(error.to_string().contains("--token-file"), "{error}");
    }
}
