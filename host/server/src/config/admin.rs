//! `[admin]`: where the admin API and the console listen, and where the token is that lets callers in.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    check::{Wrong, wrong},
    raw::Listen,
    spanned::Spanned,
};

/// `[admin]`, as it is written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(rename = "Admin")]
pub(super) struct Raw {
    /// Where it listens. Beyond this machine only with `token-file`. At restart.
    #[schemars(extend("default" = "127.0.0.1:3900"))]
    listen: Option<Spanned<Listen>>,
    /// A file whose first line is the token that callers have to send, of at least 16 characters. The file is followed;
    /// where it is, at restart.
    token_file: Option<Spanned<PathBuf>>,
}

/// The admin listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Admin {
    /// 127.0.0.1:3900.
    pub(crate) listen: SocketAddr,
    /// Whose first line callers have to send; none lets all of this machine in.
    pub(crate) token_file: Option<PathBuf>,
}

// === impl Admin ===

impl Default for Admin {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 3900)), token_file: None }
    }
}

impl Admin {
    /// What is wrong with it as a whole, once flags had their say: strangers reach it, and nothing tells them from an
    /// operator.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.listen.ip().is_loopback() || self.token_file.is_some() {
            return Ok(());
        }
        let listen = self.listen;
        Err(format!(
            "the admin API would listen beyond this machine, at {listen}, and let everybody in: name a file with a token in \
             token-file under [admin], or listen on a loopback address, as in \"127.0.0.1:3900\""
        ))
    }
}

// === impl Raw ===

impl Raw {
    pub(super) fn admin(self, base: &Path) -> Result<Admin, Wrong> {
        let listen = self.listen.map_or(Admin::default().listen, |listen| listen.into_inner().0);
        if let Some(file) = &self.token_file
            && file.as_ref().as_os_str().is_empty()
        {
            return wrong(file, "token-file is empty; name the file with the token".to_owned());
        }
        Ok(Admin { listen, token_file: self.token_file.map(|file| base.join(file.into_inner())) })
    }
}
