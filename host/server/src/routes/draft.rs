//! A route as it is written, not checked yet: the body of the admin API, and what is kept of it.

use std::{collections::BTreeMap, fmt};

use semver::Version;
use serde::{Deserialize, Deserializer, Serialize, de};
use switchyard_core::{
    name::ServiceName,
    units::{ByteSize, HumanDuration},
};

/// The members of a route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Draft {
    pub(crate) path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) methods: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, HeaderSaid>,
    /// One of these three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) service: Option<ServiceName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) split: Option<Vec<PartDraft>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) redirect: Option<RedirectDraft>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) strip_prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rewrite: Option<RewriteDraft>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mirror: Option<MirrorDraft>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<HumanDuration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry: Option<DraftRetry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auth: Option<AuthSaid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rate_limit: Option<QuotaDraft>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body_max: Option<ByteSize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) middleware: Vec<ServiceName>,
}

/// What is asked of a header: a value, or that it is there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum HeaderSaid {
    /// `true`: with any value.
    Any,
    /// With this one.
    Value(String),
}

/// A part of a split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartDraft {
    pub(crate) service: ServiceName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<Version>,
    pub(crate) weight: u32,
}

/// Where a client is sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedirectDraft {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scheme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    /// At most one of these two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
}

/// What the path becomes: one of these.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RewriteDraft {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prefix: Option<String>,
}

/// Who gets a copy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MirrorDraft {
    pub(crate) service: ServiceName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<Version>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) percent: Option<u8>,
}

/// When a call is tried again; what is not said is that of `[retry]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DraftRetry {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) base: Option<HumanDuration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<HumanDuration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) all_methods: Option<bool>,
}

/// So many requests in a window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuotaDraft {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requests: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) window: Option<HumanDuration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) burst: Option<u32>,
}

/// Whether a route wants to know who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AuthSaid {
    None,
    Optional,
    Required,
}

// === impl HeaderSaid ===

impl Serialize for HeaderSaid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Any => serializer.serialize_bool(true),
            Self::Value(value) => serializer.serialize_str(value),
        }
    }
}

impl<'de> Deserialize<'de> for HeaderSaid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = HeaderSaid;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the header's value as text, or true for any value")
            }

            fn visit_bool<E: de::Error>(self, any: bool) -> Result<HeaderSaid, E> {
                let wrong = || E::invalid_value(de::Unexpected::Bool(any), &self);
                any.then_some(HeaderSaid::Any).ok_or_else(wrong)
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<HeaderSaid, E> {
                Ok(HeaderSaid::Value(value.to_owned()))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
