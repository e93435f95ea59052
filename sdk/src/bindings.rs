//! What `wit-bindgen` makes of the world `switchyard:plugin/service`. Not for use outside this crate and its
//! macros: it changes with the generator.
#![allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]

wit_bindgen::generate!({
    path: "../wit",
    world: "switchyard:plugin/service",
    generate_all,
    pub_export_macro: true,
    export_macro_name: "export_service",
    default_bindings_module: "switchyard_sdk::bindings",
});
