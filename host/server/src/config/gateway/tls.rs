//! `[gateway.tls]`: where the certificate and its key are. What they hold is read where they are used.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::{check::Wrong, place::Text};

/// `[gateway.tls]`, as it is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Tls")]
pub(super) struct Raw {
    /// The certificate in PEM, those that signed it after it.
    cert: PathBuf,
    /// Its key, in PEM.
    key: PathBuf,
}

/// The files of a certificate, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// The certificate, and those that lead from it to an authority.
    pub(crate) cert: PathBuf,
    /// Its private key.
    pub(crate) key: PathBuf,
}

// === impl Raw ===

impl Raw {
    pub(super) fn files(self, base: &Path, text: Text<'_>) -> Result<TlsFiles, Wrong> {
        for (member, file) in [("cert", &self.cert), ("key", &self.key)] {
            if file.as_os_str().is_empty() {
                let message = format!("{member} is empty; name the file, in PEM");
                return Err(Wrong { span: text.span(&["gateway", "tls", member]), message });
            }
        }
        Ok(TlsFiles { cert: base.join(self.cert), key: base.join(self.key) })
    }
}
