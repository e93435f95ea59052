//! What can be set about issuers.

use std::{collections::HashSet, sync::Arc, time::Duration};

use switchyard_dispatch::Fetcher;

use super::{Algorithm, Issuer, KeySource, Policy};

/// The most issuers of one gateway.
pub const ISSUERS_MAX: usize = 16;

/// The longest leeway: with more, a token's times would say little.
const LEEWAY_MAX: Duration = Duration::from_secs(300);

/// What is said about one issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What `iss` must say, to the byte.
    pub issuer: String,
    /// Whom its tokens may be for: `aud` must name at least one of them. At least one.
    pub audiences: Vec<String>,
    /// What it signs with. At least one, all with public keys or all with a secret. Default RS256.
    pub algorithms: Vec<Algorithm>,
    /// Where its keys are.
    pub keys: KeySource,
    /// How far its clock and ours may be apart; at most 5 min. Default 30 s.
    pub leeway: Duration,
}

/// Why there are no such issuers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// Nobody could be authenticated, or too many would have to be asked.
    #[error("write 1 to {ISSUERS_MAX} issuers")]
    Issuers,
    /// One without a name, or a second of the same name.
    #[error("issuer: '{0}' is empty or there twice; each has a name of its own, which its tokens carry as iss")]
    Name(String),
    /// Tokens for anybody would count.
    #[error("audiences of issuer '{0}': name at least one, which its tokens carry as aud")]
    Audiences(String),
    /// Nothing could be checked.
    #[error("algorithms of issuer '{0}': name at least one")]
    Algorithms(String),
    /// A public key could be taken for a secret.
    #[error(
        "algorithms of issuer '{issuer}': {algorithm} does not go with the keys; HS256, HS384 and HS512 need a secret, \
         all others a JWK Set, and an issuer has one of the two"
    )]
    Mixed {
        /// Which issuer.
        issuer: String,
        /// The first algorithm that does not fit.
        algorithm: Algorithm,
    },
    /// A secret that could be guessed.
    #[error("secret of issuer '{issuer}': {algorithm} needs at least {min} bytes, for example of `openssl rand`")]
    Secret {
        /// Which issuer.
        issuer: String,
        /// The algorithm that needs the most.
        algorithm: Algorithm,
        /// How many.
        min: usize,
    },
    /// No URL that can be asked.
    #[error("jwks of issuer '{issuer}': '{url}' cannot be asked; write http:// or https://, a host, and a path")]
    Url {
        /// Which issuer.
        issuer: String,
        /// What was written.
        url: String,
    },
    /// Too generous.
    #[error("leeway of issuer '{0}': at most 5 min")]
    Leeway(String),
}

// === impl Config ===

impl Config {
    /// An issuer with the defaults.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>, keys: KeySource) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: vec![audience.into()],
            algorithms: vec![Algorithm::Rs256],
            keys,
            leeway: Duration::from_secs(30),
        }
    }

    fn check(self) -> Result<Issuer, InvalidConfig> {
        let name = self.issuer;
        if name.is_empty() {
            return Err(InvalidConfig::Name(name));
        }
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return Err(InvalidConfig::Audiences(name));
        }
        if self.algorithms.is_empty() {
            return Err(InvalidConfig::Algorithms(name));
        }
        let is_secret = matches!(self.keys, KeySource::Secret(_));
        if let Some(&algorithm) = self.algorithms.iter().find(|algorithm| algorithm.is_symmetric() != is_secret) {
            return Err(InvalidConfig::Mixed { issuer: name, algorithm });
        }
        match &self.keys {
            KeySource::Url(url) if Fetcher::check(url).is_err() => {
                return Err(InvalidConfig::Url { issuer: name, url: url.clone() });
            }
            KeySource::Secret(secret) => {
                let most = self.algorithms.iter().max_by_key(|algorithm| algorithm.secret_min());
                if let Some(&algorithm) = most.filter(|algorithm| secret.bytes().len() < algorithm.secret_min()) {
                    return Err(InvalidConfig::Secret { issuer: name, algorithm, min: algorithm.secret_min() });
                }
            }
            KeySource::Url(_) | KeySource::File(_) => {}
        }
        if self.leeway > LEEWAY_MAX {
            return Err(InvalidConfig::Leeway(name));
        }
        Ok(Issuer {
            name,
            audiences: self.audiences,
            algorithms: self.algorithms,
            keys: self.keys,
            leeway: self.leeway,
        })
    }
}

// === impl Policy ===

impl Policy {
    /// Tokens of these issuers.
    ///
    /// # Errors
    /// With the first thing that would make them useless, or unsafe.
    pub fn new(issuers: Vec<Config>) -> Result<Self, InvalidConfig> {
        if issuers.is_empty() || issuers.len() > ISSUERS_MAX {
            return Err(InvalidConfig::Issuers);
        }
        let mut names = HashSet::new();
        if let Some(twice) = issuers.iter().find(|config| !names.insert(&config.issuer)) {
            return Err(InvalidConfig::Name(twice.issuer.clone()));
        }
        let issuers = issuers.into_iter().map(Config::check).collect::<Result<Arc<[_]>, _>>()?;
        Ok(Self { issuers })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Secret, *};

    fn issuer(keys: KeySource, algorithms: &[Algorithm]) -> Config {
        Config { algorithms: algorithms.to_vec(), ..Config::new("https://id.example", "shop", keys) }
    }

    #[track_caller]
    fn check(config: Config, says: &str) {
        let error = Policy::new(vec![config]).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn an_issuer_has_public_keys_or_a_secret_never_both() {
        let url = || KeySource::Url("https://id.example/jwks".to_owned());
        let secret = |bytes: usize| KeySource::Secret(Secret::new(vec![7; bytes]));
        assert!(Policy::new(vec![issuer(url(), &[Algorithm::Rs256, Algorithm::EdDsa])]).is_ok());
        assert!(Policy::new(vec![issuer(secret(32), &[Algorithm::Hs256])]).is_ok());
        check(issuer(url(), &[Algorithm::Rs256, Algorithm::Hs256]), "HS256 does not go");
        check(issuer(secret(64), &[Algorithm::Hs256, Algorithm::Es256]), "ES256 does not go");
        check(issuer(secret(31), &[Algorithm::Hs256]), "at least 32 bytes");
        check(issuer(secret(63), &[Algorithm::Hs256, Algorithm::Hs512]), "HS512 needs at least 64 bytes");
    }

    #[test]
    fn what_would_let_anybody_in_or_nobody_is_refused() {
        let good = || Config::new("i", "a", KeySource::File("keys.json".into()));
        assert!(Policy::new(vec![good()]).is_ok());
        check(Config { issuer: String::new(), ..good() }, "is empty");
        check(Config { audiences: vec![], ..good() }, "at least one");
        check(Config { audiences: vec![String::new()], ..good() }, "at least one");
        check(Config { algorithms: vec![], ..good() }, "at least one");
        check(Config { leeway: Duration::from_secs(301), ..good() }, "5 min");
        for url in ["id.example/jwks", "ftp://id.example/", "https://user@id.example/"] {
            check(Config { keys: KeySource::Url(url.to_owned()), ..good() }, "cannot be asked");
        }
        assert_eq!(Policy::new(vec![]), Err(InvalidConfig::Issuers));
        assert_eq!(Policy::new(vec![good(), good()]), Err(InvalidConfig::Name("i".to_owned())));
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::new(*b"hunter2")), "Secret(…)");
    }
}
