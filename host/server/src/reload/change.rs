//! What operators ask of one stem of the folder, and what they are answered.

use switchyard_core::name::Digest;
use tokio::sync::oneshot;

use super::{artifacts::Received, good::Kept};

/// The fewest digits that name an artifact.
pub(crate) const DIGITS_MIN: usize = 8;

/// Something to be done with a stem, and who waits for it.
#[derive(Debug)]
pub(crate) struct Command {
    /// A stem that a file may have.
    pub(super) stem: String,
    pub(super) change: Change,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Change {
    /// This takes the place of what is there.
    Deploy(Box<Upload>),
    /// Something that served before serves again.
    Rollback(To),
    /// Its files go.
    Remove,
}

/// What was sent to be deployed.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) component: Received,
    pub(crate) side: Side,
    pub(crate) signature: Option<String>,
}

/// Which side file a component gets.
#[derive(Debug)]
pub(crate) enum Side {
    /// The one that is in the folder already, if one is.
    Keep,
    /// None: the one in the folder goes.
    Drop,
    /// This one.
    Text(String),
}

/// What to go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// What served before what the folder asks for now.
    Previous,
    /// The artifact whose digest begins like this.
    Digest(String),
    /// The latest artifact of this version.
    Version(semver::Version),
}

/// How it ended.
pub(crate) type Reply = Result<Done, Refusal>;

/// It is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    /// Whether there was no such stem before.
    pub(crate) is_new: bool,
    /// The component that serves now; none when it was removed.
    pub(crate) digest: Option<Digest>,
}

/// It is not done; each says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no such stem.
    Unknown(String),
    /// Things are not so that it could be done.
    Conflict(String),
    /// It cannot be a plugin.
    Bad(String),
    /// Something on this host does not work now.
    Trouble(String),
    /// Too much is asked for at once.
    Busy,
    /// The host is stopping.
    Stopping,
}

// === impl To ===

impl To {
    /// Whether this artifact is meant.
    pub(super) fn is(&self, kept: &Kept) -> bool {
        match self {
            Self::Previous => true,
            Self::Digest(digits) => kept.digest.to_string().starts_with(digits),
            Self::Version(version) => kept.version.as_ref() == Some(version),
        }
    }
}
