//! What a component is, as far as it can be told without serving it: the result of looking at it once.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::manifest::Manifest;

/// A role that a component takes by exporting its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// `switchyard:plugin/http-handler`: HTTP with whole bodies, the fast lane.
    HttpHandler,
    /// `wasi:http/incoming-handler@0.2.x`: HTTP with streams.
    WasiHttp02,
    /// `wasi:http/handler@0.3.x`: HTTP with native async.
    WasiHttp03,
    /// `switchyard:plugin/manifest`: says what the plugin is.
    Manifest,
}

/// Which engine runs a component: 0.2 ones are 8 % faster without support for concurrency inside an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Track {
    /// WASI 0.2: one call at a time in an instance.
    P2,
    /// WASI 0.3: concurrent calls in an instance.
    P3,
}

/// What was found in a component. Cached by digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// The roles it can take.
    pub roles: BTreeSet<Role>,
    /// The engine it needs.
    pub track: Track,
    /// The interfaces it imports, as `package/name@version`.
    pub imports: Vec<String>,
    /// The interfaces it exports.
    pub exports: Vec<String>,
    /// What it says of itself, when it exports the manifest.
    pub manifest: Option<Manifest>,
    /// Whether it was built without optimisation, as far as its sections show; worth a warning.
    pub debug_build: bool,
}

impl Description {
    /// The role in which it serves HTTP, the fastest it has.
    pub fn http_role(&self) -> Option<Role> {
        [Role::HttpHandler, Role::WasiHttp03, Role::WasiHttp02].into_iter().find(|role| self.roles.contains(role))
    }
}
