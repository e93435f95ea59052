//! `wasi:config/store`: what the host's configuration says under `[services.NAME] config`, and its secrets. Those are
//! told to who asks by name, and never listed: what prints its whole configuration shall not print them.
//!
//! One shape went under three pre-release versions, which link only by exact match.

use wasmtime::{
    StoreContextMut,
    component::{ComponentType, Lift, Linker, Lower},
};

use crate::state::GuestState;

pub(crate) const INTERFACES: [&str; 3] =
    ["wasi:config/store@0.2.0-rc.1", "wasi:config/store@0.2.0-draft", "wasi:config/store@0.2.0-draft-2024-09-27"];

/// The interface's error. This host has none to tell: the values are in memory.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(variant)]
enum Error {
    #[component(name = "upstream")]
    #[allow(dead_code, reason = "part of the interface's type")]
    Upstream(String),
    #[component(name = "io")]
    #[allow(dead_code, reason = "part of the interface's type")]
    Io(String),
}

type Pairs = Vec<(String, String)>;

pub(crate) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    for name in INTERFACES {
        let mut interface = linker.instance(name)?;
        interface.func_wrap("get", |store: StoreContextMut<'_, GuestState>, (key,): (String,)| {
            let settings = &store.data().shared.settings;
            let secret = || settings.secrets.get(&key).map(|secret| secret.reveal().to_owned());
            Ok((Ok::<Option<String>, Error>(settings.config.get(&key).cloned().or_else(secret)),))
        })?;
        interface.func_wrap("get-all", |store: StoreContextMut<'_, GuestState>, (): ()| {
            let config = &store.data().shared.settings.config;
            Ok((Ok::<Pairs, Error>(config.iter().map(|(k, v)| (k.clone(), v.clone())).collect()),))
        })?;
    }
    Ok(())
}
