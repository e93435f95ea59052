//! Secrets of a service: from the environment of the host, or from a file.
//!
//! They are read with the configuration, so that a newer value is a newer configuration, under which the service is
//! loaded anew. One that is not there is no error of the configuration, whose other services it does not concern: it is
//! told where its own service is loaded.

use std::{
    collections::BTreeMap,
    env, fmt,
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;
use schemars::JsonSchema;
use serde::Deserialize;
use switchyard_core::units::ByteSize;
use switchyard_runtime::settings::Secret;

use super::super::{
    check::{Wrong, wrong},
    spanned::Spanned,
};

/// The longest secret, in bytes; 64 KiB.
const SIZE_MAX: u64 = 64 << 10;

/// Where the value of a secret stands, as it is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Secret")]
pub(super) struct Raw {
    /// The variable that it is in; or
    env: Option<String>,
    /// the file.
    file: Option<PathBuf>,
}

/// All secrets of a service, as they were found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Secrets {
    found: BTreeMap<String, Result<Secret, String>>,
    reads_files: bool,
}

/// Where the value of a secret stands.
enum Place {
    Variable(String),
    File(PathBuf),
}

/// Checks what is said, and reads the values; `config` is where no secret may have its name from.
pub(super) fn secrets(
    raw: BTreeMap<Spanned<String>, Spanned<Raw>>,
    config: &BTreeMap<String, String>,
    base: &Path,
) -> Result<Secrets, Wrong> {
    let mut secrets = Secrets::default();
    for (name, raw) in raw {
        if config.contains_key(name.as_ref()) {
            return wrong(&name, format!("'{}' is a secret and stands in config, too; remove one", name.as_ref()));
        }
        let span = raw.span();
        let place = match raw.into_inner() {
            Raw { env: Some(variable), file: None } if !variable.is_empty() => Place::Variable(variable),
            Raw { env: None, file: Some(file) } if !file.as_os_str().is_empty() => Place::File(base.join(file)),
            _ => {
                let message = "a secret is { env = \"VARIABLE\" } or { file = \"PATH\" }".to_owned();
                return Err(Wrong { span, message });
            }
        };
        secrets.reads_files |= matches!(place, Place::File(_));
        let value = place.read().map_err(|why| format!("its secret '{}' is not there: {why}", name.as_ref()));
        secrets.found.insert(name.into_inner(), value);
    }
    Ok(secrets)
}

// === impl Secrets ===

impl Secrets {
    /// Those that are there, and what is to be said of those that are not.
    pub(super) fn sorted(self) -> (BTreeMap<String, Secret>, Vec<String>) {
        let (mut there, mut missing) = (BTreeMap::new(), Vec::new());
        for (name, found) in self.found {
            match found {
                Ok(secret) => _ = there.insert(name, secret),
                Err(why) => missing.push(why),
            }
        }
        (there, missing)
    }

    pub(super) fn reads_files(&self) -> bool {
        self.reads_files
    }
}

// === impl Place ===

impl Place {
    fn read(&self) -> Result<Secret, String> {
        match self {
            Self::Variable(name) => match env::var(name) {
                Ok(value) => Ok(Secret::new(value)),
                Err(env::VarError::NotPresent) => Err(format!("{self} is not set")),
                Err(env::VarError::NotUnicode(_)) => Err(format!("{self} is not UTF-8")),
            },
            Self::File(path) => read(path).map(Secret::new).map_err(|error| format!("{self} cannot be read: {error}")),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}

/// The text of a file, without the line end that editors put there.
fn read(path: &Path) -> io::Result<String> {
    // A pipe that somebody put there must not block.
    let flags = (OFlags::NONBLOCK | OFlags::CLOEXEC).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    let mut text = String::new();
    let read = file.take(SIZE_MAX + 1).read_to_string(&mut text)?;
    if read as u64 > SIZE_MAX {
        let message = format!("it is longer than {}", ByteSize(SIZE_MAX));
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    let length = text.strip_suffix('\n').map_or(text.len(), |line| line.strip_suffix('\r').unwrap_or(line).len());
    text.truncate(length);
    Ok(text)
}
