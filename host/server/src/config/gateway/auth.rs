//! `[gateway.auth]`: who calls. Members of one kind are refused with another, since they would have no effect.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use switchyard_core::{name::ServiceName, route::Pattern, units::HumanDuration};
use switchyard_gateway::auth::{
    Kind, Policy,
    api_key::{self, HEADER_DEFAULT},
    jwt::{self, Algorithm, KeySource, Secret},
};

use super::super::{
    check::{Wrong, wrong},
    place::Text,
    spanned::Spanned,
};

/// The longest file of a secret, in bytes.
const SECRET_MAX: u64 = 64 << 10;

/// `[gateway.auth]`, as it is written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(rename = "Auth")]
pub(super) struct Raw {
    /// What tells callers apart.
    #[schemars(extend("default" = "none"))]
    kind: RawKind,
    /// Paths, as in routes, that everybody may call.
    #[schemars(extend("default" = []))]
    public: Vec<Spanned<String>>,
    /// Of `jwt`: whose tokens count.
    issuers: Option<Vec<RawIssuer>>,
    /// Of `api-key`: where the key stands besides `Authorization: Bearer`.
    header: Option<String>,
    /// Of `api-key`: the keys that count, as hashes.
    keys: Option<Vec<RawKey>>,
    /// Of `plugin`: the service that validates tokens.
    service: Option<ServiceName>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "AuthKind")]
enum RawKind {
    #[default]
    None,
    Jwt,
    ApiKey,
    Plugin,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "AuthIssuer")]
struct RawIssuer {
    /// What `iss` says.
    issuer: String,
    /// Those of whom `aud` has to name one.
    audiences: Vec<String>,
    /// The only ones that count.
    algorithms: Option<Vec<Spanned<String>>>,
    /// Its keys: a URL, or a file.
    jwks: Option<String>,
    /// The secret of HS256; or
    secret: Option<String>,
    /// the file that it is in.
    secret_file: Option<PathBuf>,
    /// How far clocks may be apart.
    leeway: Option<HumanDuration>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "AuthKey")]
struct RawKey {
    /// `sha256:HEX` of the key.
    #[schemars(regex(pattern = r"^sha256:[0-9A-Fa-f]{64}$"))]
    hash: String,
    /// Who has it.
    subject: String,
    /// What services are told of it.
    #[serde(default)]
    claims: Map<String, Value>,
}

/// Where the table stands.
const AT: [&str; 2] = ["gateway", "auth"];

// === impl Raw ===

impl Raw {
    pub(super) fn policy(self, base: &Path, text: Text<'_>) -> Result<Policy, Wrong> {
        self.check_kind(text)?;
        let public = self.public.iter().map(public).collect::<Result<_, _>>()?;
        let kind = match self.kind {
            RawKind::None => Kind::None,
            RawKind::Jwt => Kind::Jwt(issuers(self.issuers.unwrap_or_default(), base, text)?),
            RawKind::ApiKey => {
                let header = self.header.as_deref().unwrap_or(HEADER_DEFAULT);
                let keys = self.keys.unwrap_or_default().into_iter().map(RawKey::key).collect();
                Kind::ApiKey(api_key::Policy::new(header, keys).map_err(|invalid| invalid_keys(&invalid, text))?)
            }
            RawKind::Plugin => match self.service {
                Some(service) => Kind::Plugin(service),
                None => {
                    let message = "name the service that validates tokens, as service = \"token-check\"".to_owned();
                    return Err(Wrong { span: text.span(&AT), message });
                }
            },
        };
        Ok(Policy { kind, public })
    }

    /// Refuses the members of other kinds.
    fn check_kind(&self, text: Text<'_>) -> Result<(), Wrong> {
        let members = [
            ("public", !self.public.is_empty(), &[RawKind::Jwt, RawKind::ApiKey, RawKind::Plugin][..]),
            ("issuers", self.issuers.is_some(), &[RawKind::Jwt]),
            ("header", self.header.is_some(), &[RawKind::ApiKey]),
            ("keys", self.keys.is_some(), &[RawKind::ApiKey]),
            ("service", self.service.is_some(), &[RawKind::Plugin]),
        ];
        let unused = members.iter().find(|(_, is_said, kinds)| *is_said && !kinds.contains(&self.kind));
        unused.map_or(Ok(()), |(member, _, kinds)| {
            let kinds: Vec<_> = kinds.iter().map(|kind| format!("\"{}\"", kind.name())).collect();
            let message =
                format!("{member} has an effect with kind = {} only; say that, or remove it", kinds.join(" or "));
            Err(Wrong { span: text.span(&[AT[0], AT[1], member]), message })
        })
    }
}

fn public(raw: &Spanned<String>) -> Result<Pattern, Wrong> {
    raw.as_ref().parse().or_else(|invalid: switchyard_core::route::InvalidPattern| wrong(raw, invalid.to_string()))
}

fn invalid_keys(invalid: &api_key::InvalidKeys, text: Text<'_>) -> Wrong {
    let member = if matches!(invalid, api_key::InvalidKeys::Header(_)) { "header" } else { "keys" };
    Wrong { span: text.span(&[AT[0], AT[1], member]), message: invalid.to_string() }
}

fn issuers(raw: Vec<RawIssuer>, base: &Path, text: Text<'_>) -> Result<jwt::Policy, Wrong> {
    let at = |place: usize, member: &str| text.span(&[AT[0], AT[1], "issuers", &place.to_string(), member]);
    let names: Vec<String> = raw.iter().map(|issuer| issuer.issuer.clone()).collect();
    let mut configs = Vec::with_capacity(raw.len());
    for (place, issuer) in raw.into_iter().enumerate() {
        let config = issuer.config(base, |member, message| Wrong { span: at(place, member), message })?;
        configs.push(config);
    }
    jwt::Policy::new(configs).map_err(|invalid| {
        let message = invalid.to_string();
        // The text says the member, and of which issuer by its name.
        let member = message.split([' ', ':']).next().unwrap_or_default();
        let named = |name: &String| !name.is_empty() && message.contains(&format!("'{name}'"));
        let span = match names.iter().rposition(named).or_else(|| names.iter().position(String::is_empty)) {
            Some(place) => at(place, member),
            None if names.is_empty() => text.span(&AT),
            None => text.span(&[AT[0], AT[1], "issuers"]),
        };
        Wrong { span, message }
    })
}

// === impl RawIssuer ===

impl RawIssuer {
    fn config(self, base: &Path, wrong_at: impl Fn(&str, String) -> Wrong) -> Result<jwt::Config, Wrong> {
        let keys = match (self.jwks, self.secret, self.secret_file) {
            (Some(jwks), None, None) if jwks.starts_with("http://") || jwks.starts_with("https://") => {
                KeySource::Url(jwks)
            }
            (Some(jwks), None, None) => KeySource::File(base.join(jwks)),
            (None, Some(secret), None) => KeySource::Secret(Secret::new(secret.into_bytes())),
            (None, None, Some(file)) => {
                let file = base.join(file);
                let secret = read_secret(&file).map_err(|error| {
                    wrong_at("secret-file", format!("the secret in {} cannot be read: {error}", file.display()))
                })?;
                KeySource::Secret(Secret::new(secret))
            }
            (None, None, None) => {
                let message = "say where its keys are: jwks, a URL or a file, or secret, or secret-file".to_owned();
                return Err(wrong_at("issuer", message));
            }
            (jwks, ..) => {
                let member = if jwks.is_some() { "jwks" } else { "secret" };
                return Err(wrong_at(member, "say one of jwks, secret and secret-file; remove the others".to_owned()));
            }
        };
        let is_secret = matches!(keys, KeySource::Secret(_));
        let algorithms = match self.algorithms {
            None if is_secret => vec![Algorithm::Hs256],
            None => vec![Algorithm::Rs256],
            Some(names) => {
                let parse = |name: Spanned<String>| {
                    let parsed = name.as_ref().parse::<Algorithm>();
                    parsed.or_else(|unknown| wrong(&name, unknown.to_string()))
                };
                names.into_iter().map(parse).collect::<Result<_, _>>()?
            }
        };
        let defaults = jwt::Config::new("", "", KeySource::File(PathBuf::new()));
        Ok(jwt::Config {
            issuer: self.issuer,
            audiences: self.audiences,
            algorithms,
            keys,
            leeway: self.leeway.map_or(defaults.leeway, |leeway| leeway.0),
        })
    }
}

/// The bytes of a secret; the newline that editors put at the end of a file is none of it.
fn read_secret(file: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;

    let mut secret = Vec::new();
    std::fs::File::open(file)?.take(SECRET_MAX).read_to_end(&mut secret)?;
    while secret.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        secret.pop();
    }
    Ok(secret)
}

// === impl RawKey ===

impl RawKey {
    fn key(self) -> api_key::Key {
        api_key::Key { hash: self.hash, subject: self.subject, claims: self.claims }
    }
}

// === impl RawKind ===

impl RawKind {
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Jwt => "jwt",
            Self::ApiKey => "api-key",
            Self::Plugin => "plugin",
        }
    }
}
