//! A route as it is written, not checked yet: the body of the admin API, and what is kept of it.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use semver::Version;
use serde::{Deserialize, Deserializer, Serialize, de};
use switchyard_core::{
    name::ServiceName,
    route::action::{SPLIT_MAX, WEIGHT_MAX},
    units::{ByteSize, HumanDuration},
};

/// The members of a route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "NewRoute")]
pub(crate) struct Draft {
    /// `/a/b` exact; `/a/{id}` one segment; `/a/*` the prefix `/a` and all below it.
    #[schemars(extend("format" = "path"))]
    pub(crate) path: String,
    /// Of this host only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "hostname"))]
    pub(crate) host: Option<String>,
    /// With these methods only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("items" = {"type": "string", "pattern": "^[A-Z]+$"}))]
    pub(crate) methods: Vec<String>,
    /// With these headers only; at most 16.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, HeaderSaid>,
    /// Who answers; or
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) service: Option<ServiceName>,
    /// several, each with its share; or
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = SPLIT_MAX))]
    pub(crate) split: Option<Vec<PartDraft>>,
    /// where the client is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) redirect: Option<RedirectDraft>,
    /// What is cut off the front of the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub(crate) strip_prefix: Option<String>,
    /// What the path becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rewrite: Option<RewriteDraft>,
    /// Where a copy is sent, whose answer is dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mirror: Option<MirrorDraft>,
    /// Until the response's head; the gateway's when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<HumanDuration>,
    /// What is not said is that of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry: Option<DraftRetry>,
    /// Whether credentials are needed; as the gateway when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auth: Option<AuthSaid>,
    /// Beside the gateway's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rate_limit: Option<QuotaDraft>,
    /// The largest request body; the gateway's when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body_max: Option<ByteSize>,
    /// Services that see its requests, after the gateway's.
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RoutePart")]
pub(crate) struct PartDraft {
    /// Who answers.
    pub(crate) service: ServiceName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    /// This version of it.
    pub(crate) version: Option<Version>,
    /// Its share.
    #[schemars(range(max = WEIGHT_MAX))]
    pub(crate) weight: u32,
}

/// Where a client is sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RouteRedirect")]
pub(crate) struct RedirectDraft {
    /// What is not said stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["http", "https", null]))]
    pub(crate) scheme: Option<String>,
    /// A host, with a port if need be.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "hostname"))]
    pub(crate) host: Option<String>,
    /// What the path becomes; or
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub(crate) path: Option<String>,
    /// What the route's own prefix becomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub(crate) prefix: Option<String>,
    /// 302 when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [301, 302, 303, 307, 308, null]))]
    pub(crate) status: Option<u16>,
}

/// What the path becomes: one of these.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RouteRewrite")]
pub(crate) struct RewriteDraft {
    /// What the path becomes; or
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub(crate) path: Option<String>,
    /// what the route's own prefix becomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub(crate) prefix: Option<String>,
}

/// Who gets a copy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RouteMirror")]
pub(crate) struct MirrorDraft {
    /// Who gets it.
    pub(crate) service: ServiceName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    /// This version of it.
    pub(crate) version: Option<Version>,
    /// Of a hundred requests, so many; 100 when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub(crate) percent: Option<u8>,
}

/// When a call is tried again; what is not said is that of `[retry]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "RouteRetry")]
pub(crate) struct DraftRetry {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10))]
    pub(crate) attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) base: Option<HumanDuration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<HumanDuration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) all_methods: Option<bool>,
}

/// So many requests in a window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RouteRateLimit")]
pub(crate) struct QuotaDraft {
    /// So many; 100 when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub(crate) requests: Option<u32>,
    /// In so long; 60s when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) window: Option<HumanDuration>,
    /// How many may come at once; as many as `requests` when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub(crate) burst: Option<u32>,
}

/// Whether a route wants to know who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "RouteAuth")]
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

impl JsonSchema for HeaderSaid {
    fn schema_name() -> Cow<'static, str> {
        "RouteHeader".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"description": "The header's value, or true for any value.", "anyOf": [{"type": "string"}, {"const": true}]})
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
