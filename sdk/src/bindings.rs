//! What `wit-bindgen` makes of the package `switchyard:plugin`: one world of all imports, and one world for each role,
//! so that a component exports the roles it takes and no others. Imports that nothing calls are left out when the
//! component is made. Not for use outside this crate and its macros: it changes with the generator.
#![allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]

// The types that roles share are of this world, and are generated whether an import uses them or not.
wit_bindgen::generate!({
    path: "../wit",
    inline: "
        package switchyard:sdk;
        world imports {
            include switchyard:plugin/wasi-imports@0.1.0;
            include switchyard:plugin/platform-imports@0.1.0;
            import switchyard:plugin/http-types@0.1.0;
        }
    ",
    world: "switchyard:sdk/imports",
    generate_all,
    generate_unused_types: true,
});

pub mod manifest {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package switchyard:sdk; world manifest { export switchyard:plugin/manifest@0.1.0; }",
        world: "switchyard:sdk/manifest",
        pub_export_macro: true,
        export_macro_name: "export_manifest",
        default_bindings_module: "switchyard_sdk::bindings::manifest",
    });
}

pub mod http_handler {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package switchyard:sdk; world http-handler { export switchyard:plugin/http-handler@0.1.0; }",
        world: "switchyard:sdk/http-handler",
        with: { "switchyard:plugin/http-types@0.1.0": crate::bindings::switchyard::plugin::http_types },
        pub_export_macro: true,
        export_macro_name: "export_http_handler",
        default_bindings_module: "switchyard_sdk::bindings::http_handler",
    });
}

pub mod event_handler {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package switchyard:sdk; world event-handler { export switchyard:plugin/event-handler@0.1.0; }",
        world: "switchyard:sdk/event-handler",
        with: {
            "switchyard:plugin/types@0.1.0": crate::bindings::switchyard::plugin::types,
            "switchyard:plugin/event-types@0.1.0": crate::bindings::switchyard::plugin::event_types,
        },
        pub_export_macro: true,
        export_macro_name: "export_event_handler",
        default_bindings_module: "switchyard_sdk::bindings::event_handler",
    });
}

pub mod event_middleware {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package switchyard:sdk; world event-middleware { export switchyard:plugin/event-middleware@0.1.0; }",
        world: "switchyard:sdk/event-middleware",
        with: { "switchyard:plugin/event-types@0.1.0": crate::bindings::switchyard::plugin::event_types },
        pub_export_macro: true,
        export_macro_name: "export_event_middleware",
        default_bindings_module: "switchyard_sdk::bindings::event_middleware",
    });
}

pub mod command_handler {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package switchyard:sdk; world command-handler { export switchyard:plugin/command-handler@0.1.0; }",
        world: "switchyard:sdk/command-handler",
        with: { "switchyard:plugin/types@0.1.0": crate::bindings::switchyard::plugin::types },
        pub_export_macro: true,
        export_macro_name: "export_command_handler",
        default_bindings_module: "switchyard_sdk::bindings::command_handler",
    });
}

pub mod queue_handler {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package switchyard:sdk; world queue-handler { export switchyard:plugin/queue-handler@0.1.0; }",
        world: "switchyard:sdk/queue-handler",
        with: {
            "switchyard:plugin/types@0.1.0": crate::bindings::switchyard::plugin::types,
            "switchyard:plugin/queue-types@0.1.0": crate::bindings::switchyard::plugin::queue_types,
        },
        pub_export_macro: true,
        export_macro_name: "export_queue_handler",
        default_bindings_module: "switchyard_sdk::bindings::queue_handler",
    });
}

pub mod http_middleware {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package switchyard:sdk; world http-middleware { export switchyard:plugin/http-middleware@0.1.0; }",
        world: "switchyard:sdk/http-middleware",
        with: { "switchyard:plugin/http-types@0.1.0": crate::bindings::switchyard::plugin::http_types },
        pub_export_macro: true,
        export_macro_name: "export_http_middleware",
        default_bindings_module: "switchyard_sdk::bindings::http_middleware",
    });
}

pub mod authenticator {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package switchyard:sdk; world authenticator { export switchyard:plugin/authenticator@0.1.0; }",
        world: "switchyard:sdk/authenticator",
        with: { "switchyard:plugin/types@0.1.0": crate::bindings::switchyard::plugin::types },
        pub_export_macro: true,
        export_macro_name: "export_authenticator",
        default_bindings_module: "switchyard_sdk::bindings::authenticator",
    });
}
