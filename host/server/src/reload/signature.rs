//! Whether somebody who is trusted vouches for a component: signatures as minisign makes them.
//!
//! A signature covers the component's bytes, and its trusted comment. That names the side file, as `side=sha256:HEX`, so
//! a side file that was not there when the component was signed, or is another now, is refused like an altered component:
//! it decides about routes, subscriptions and names.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use minisign_verify::{Error, PublicKey, Signature};
use switchyard_core::name::Digest;

/// How a trusted comment begins to name the side file.
const SIDE: &str = "side=";

/// How much of a component is read at a time, in bytes.
const CHUNK: usize = 128 << 10;

/// Why nobody who is trusted vouches for a component. Each says what helps.
#[derive(Debug, thiserror::Error)]
pub(super) enum Untrusted {
    #[error(
        "it is not signed, and trusted-keys under [plugins] ask for that: sign it with minisign, and put NAME.wasm.minisig \
         beside it"
    )]
    NotSigned,
    #[error("its signature is none of minisign's ({0}): sign it again")]
    Unreadable(String),
    #[error(
        "it is signed with a key that is not among the trusted-keys under [plugins]: sign it with one of them, or add it"
    )]
    UnknownKey,
    #[error(
        "its signature does not hold: the component or the signature was altered, or is of another version; sign it again"
    )]
    Altered,
    #[error("its signature does not say a word of its side file: sign it with -t \"side=sha256:{0}\"")]
    SideNotCovered(Digest),
    #[error("its signature is for another side file: put that back, or sign it with -t \"side=sha256:{0}\"")]
    OtherSide(Digest),
    #[error("its signature is for a side file that is not there: put that back, or sign it without")]
    SideMissing,
    #[error("its signature names a side file in a way that is not known: write it once, as in \"side=sha256:HEX\"")]
    SideUnclear,
    #[error("cannot read the component {}", .0.display())]
    Io(PathBuf, #[source] io::Error),
}

/// Whether `signature` is one of these public keys' for the component and its side file.
///
/// # Errors
/// With why not.
pub(super) fn verify(
    keys: &[String],
    component: &Path,
    signature: Option<&str>,
    side: Option<Digest>,
) -> Result<(), Untrusted> {
    let signature = Signature::decode(signature.ok_or(Untrusted::NotSigned)?);
    let signature = signature.map_err(|error| Untrusted::Unreadable(error.to_string()))?;
    // They were checked with the configuration.
    let mut keys = keys.iter().filter_map(|key| PublicKey::from_base64(key).ok());
    let mut refused = Untrusted::UnknownKey;
    // Two keys may have the same id.
    let is_signed = keys.any(|key| match holds(&key, component, &signature) {
        Ok(()) => true,
        Err(Untrusted::UnknownKey) => false,
        Err(other) => {
            refused = other;
            false
        }
    });
    if is_signed { covers(signature.trusted_comment(), side) } else { Err(refused) }
}

/// Whether one of these keys vouches for a component whose signature lies beside it, and for this side file.
///
/// # Errors
/// With why not, and what helps.
pub(crate) fn verify_beside(keys: &[String], component: &Path, side: Option<&[u8]>) -> Result<(), String> {
    let mut file = component.as_os_str().to_owned();
    file.push(".minisig");
    // One that cannot be read vouches for nothing.
    let signature = fs::read_to_string(file).ok();
    let verified = verify(keys, component, signature.as_deref(), side.map(Digest::of));
    verified.map_err(|error| format!("{:#}", anyhow::Error::new(error)))
}

/// Whether this key made it. What was hashed before it was signed is read part by part; older minisigns signed the
/// bytes themselves.
fn holds(key: &PublicKey, component: &Path, signature: &Signature) -> Result<(), Untrusted> {
    let unread = |error| Untrusted::Io(component.to_owned(), error);
    let verified = match key.verify_stream(signature) {
        Ok(mut verifier) => {
            let (mut file, mut chunk) = (File::open(component).map_err(unread)?, vec![0; CHUNK]);
            loop {
                match file.read(&mut chunk).map_err(unread)? {
                    0 => break verifier.finalize(),
                    read => verifier.update(&chunk[..read]),
                }
            }
        }
        Err(Error::UnsupportedLegacyMode) => key.verify(&fs::read(component).map_err(unread)?, signature, true),
        Err(error) => Err(error),
    };
    verified.map_err(|error| match error {
        Error::UnexpectedKeyId => Untrusted::UnknownKey,
        Error::InvalidSignature => Untrusted::Altered,
        error => Untrusted::Unreadable(error.to_string()),
    })
}

/// Whether a trusted comment is for this side file, or for none.
fn covers(comment: &str, side: Option<Digest>) -> Result<(), Untrusted> {
    let mut named = comment.split_whitespace().filter_map(|word| word.strip_prefix(SIDE));
    let named = match (named.next(), named.next()) {
        (None, _) => None,
        (Some(named), None) => {
            let digest = named.strip_prefix("sha256:").and_then(|hex| hex.parse::<Digest>().ok());
            Some(digest.ok_or(Untrusted::SideUnclear)?)
        }
        (Some(_), Some(_)) => return Err(Untrusted::SideUnclear),
    };
    match (named, side) {
        (None, None) => Ok(()),
        (Some(named), Some(side)) if named == side => Ok(()),
        (Some(_), Some(side)) => Err(Untrusted::OtherSide(side)),
        (None, Some(side)) => Err(Untrusted::SideNotCovered(side)),
        (Some(_), None) => Err(Untrusted::SideMissing),
    }
}

#[cfg(test)]
mod tests {
    use minisign::KeyPair;

    use super::*;

    /// A component that is `bytes`, with what a key says of it.
    struct Signed {
        folder: tempfile::TempDir,
        keys: KeyPair,
        signature: String,
    }

    impl Signed {
        fn new(bytes: &[u8], comment: &str) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            fs::write(folder.path().join("component"), bytes).expect("written");
            let keys = KeyPair::generate_unencrypted_keypair().expect("keys");
            let signature = minisign::sign(None, &keys.sk, bytes, Some(comment), None).expect("signed").into_string();
            Self { folder, keys, signature }
        }

        fn verify(&self, side: Option<Digest>) -> Result<(), String> {
            self.verify_with(&[self.keys.pk.to_base64()], side)
        }

        fn verify_with(&self, keys: &[String], side: Option<Digest>) -> Result<(), String> {
            let component = self.folder.path().join("component");
            verify(keys, &component, Some(&self.signature), side).map_err(|error| error.to_string())
        }
    }

    #[track_caller]
    fn refused(result: Result<(), String>, expected: &str) {
        let error = result.expect_err("it is refused");
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn one_of_the_keys_has_to_have_signed_these_bytes() {
        let bytes = vec![7; CHUNK + 1];
        let mut signed = Signed::new(&bytes, "hello");
        let other = Signed::new(b"", "").keys.pk.to_base64();
        assert_eq!(signed.verify(None), Ok(()));
        assert_eq!(signed.verify_with(&[other.clone(), signed.keys.pk.to_base64()], None), Ok(()));
        refused(signed.verify_with(&[other], None), "not among the trusted-keys");
        fs::write(signed.folder.path().join("component"), "other").expect("written");
        refused(signed.verify(None), "does not hold");
        fs::write(signed.folder.path().join("component"), &bytes).expect("written");
        let altered = signed.signature.replace("trusted comment: hello", "trusted comment: hullo");
        let whole = std::mem::replace(&mut signed.signature, altered);
        refused(signed.verify(None), "does not hold");
        signed.signature = whole.replace('\n', " ");
        refused(signed.verify(None), "none of minisign's");
        let unsigned = verify(&[signed.keys.pk.to_base64()], Path::new("/dev/null"), None, None);
        refused(unsigned.map_err(|error| error.to_string()), "it is not signed");
    }

    #[test]
    fn a_side_file_is_signed_with_its_component() {
        let [side, other] = [b"a", b"b"].map(|text| Digest::of(text));
        let with = Signed::new(b"x", &format!("timestamp:1\tside=sha256:{side}"));
        assert_eq!(with.verify(Some(side)), Ok(()));
        refused(
            with.verify(Some(other)),
            &format!("for another side file: put that back, or sign it with -t \"side=sha256:{other}"),
        );
        refused(with.verify(None), "a side file that is not there");
        let without = Signed::new(b"x", "timestamp:1");
        refused(without.verify(Some(side)), "does not say a word of its side file");
        for unclear in [format!("side=sha256:{side} side=sha256:{other}"), "side=".into(), format!("side=md5:{side}")] {
            refused(Signed::new(b"x", &unclear).verify(Some(side)), "in a way that is not known");
        }
    }

    /// What minisign signed before it hashed.
    #[test]
    fn signatures_of_older_minisigns_hold() {
        let keys = ["RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3".to_owned()];
        let signature = "untrusted comment: signature from minisign secret key\n\
            RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=\n\
            trusted comment: timestamp:1555779966\tfile:test\n\
            QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==";
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), "test").expect("written");
        verify(&keys, file.path(), Some(signature), None).expect("it holds");
        fs::write(file.path(), "Test").expect("written");
        assert!(matches!(verify(&keys, file.path(), Some(signature), None), Err(Untrusted::Altered)));
    }
}
