//! How many files the process may have open. Each connection of a client, each one to an upstream, and each component
//! that is mapped takes one; the usual soft limit of 1,024 is an old one, kept for programs that use `select`.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to the hard one.
pub(super) fn allow_many() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => tracing::debug!(from = current, to = maximum, "more files may be open"),
        Err(error) => {
            tracing::warn!(%error, limit = current, "the limit of open files cannot be raised; see ulimit -n")
        }
    }
}
