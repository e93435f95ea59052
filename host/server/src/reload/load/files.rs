//! The files of a plugin, read as they were when they settled.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use switchyard_core::{
    folder::{self, SIDE_MAX, SIGNATURE_MAX},
    name::Digest,
};

use super::{super::artifacts::CopyError, LoadFailure, Loader, Order, bad, in_one_line};
use crate::watch::copy_settled;

/// Where its files are.
#[derive(Clone, Debug)]
pub(in crate::reload) enum Origin {
    /// In the plugins folder.
    Folder,
    /// The component is among the artifacts already, and these are the texts of the files beside it.
    Memory { side: Option<String>, signature: Option<String> },
}

/// What a plugin is made from, read.
#[derive(Clone, Debug)]
pub(in crate::reload) struct Files {
    /// The component's copy.
    pub(in crate::reload) artifact: PathBuf,
    pub(in crate::reload) side: Option<String>,
    pub(in crate::reload) signature: Option<String>,
}

// === impl Loader ===

impl Loader {
    /// Reads them; the component becomes an artifact.
    pub(super) async fn files(self: &Arc<Self>, order: &Order) -> Result<Files, LoadFailure> {
        let (loader, order) = (Arc::clone(self), order.clone());
        let files = tokio::task::spawn_blocking(move || match order.origin {
            Origin::Memory { side, signature } => {
                Ok(Files { artifact: loader.artifacts.path(order.source.digest), side, signature })
            }
            Origin::Folder => {
                let [file, side, signature] = folder::files(&order.stem).map(|name| loader.plugins.join(name));
                let source = order.source;
                Ok(Files {
                    artifact: loader.artifacts.keep(source.digest, &file)?,
                    side: source.side.map(|digest| text(&side, digest, SIDE_MAX)).transpose()?,
                    signature: source.signature.map(|digest| text(&signature, digest, SIGNATURE_MAX)).transpose()?,
                })
            }
        });
        files.await.map_err(bad)?.map_err(|error| match error {
            CopyError::Changed => LoadFailure::Changed,
            error @ CopyError::Unusable { .. } => bad(error),
            error @ CopyError::Io { .. } => LoadFailure::Trouble(in_one_line(error)),
        })
    }

    /// The text of the side file that a stem has in the folder, which has this digest.
    pub(in crate::reload) fn side_in_folder(&self, stem: &str, digest: Digest) -> Result<String, String> {
        let [_, side, _] = folder::files(stem).map(|name| self.plugins.join(name));
        text(&side, digest, SIDE_MAX).map_err(in_one_line)
    }
}

/// The text of a file beside a component, which has this digest.
fn text(file: &Path, digest: Digest, length_max: u64) -> Result<String, CopyError> {
    let mut bytes = Vec::new();
    match copy_settled(file, length_max, digest, &mut bytes) {
        Ok(true) => {}
        Ok(false) => return Err(CopyError::Changed),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(CopyError::Changed),
        Err(source) => return Err(CopyError::Io { from: file.to_owned(), to: "memory".into(), source }),
    }
    let unusable = |_| CopyError::Unusable { file: file.to_owned(), why: "it is not UTF-8; save it as such" };
    String::from_utf8(bytes).map_err(unusable)
}
