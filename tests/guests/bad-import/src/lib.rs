//! Imports an interface that no host provides.

use switchyard::plugin::http_types::{Request, Response};

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package guests:bad-import;

        package acme:missing@1.0.0 {
            interface thing {
                do-it: func() -> string;
            }
        }

        world bad-import {
            import acme:missing/thing@1.0.0;
            export switchyard:plugin/http-handler@0.1.0;
        }
    ",
    world: "guests:bad-import/bad-import",
    generate_all,
});

struct BadImport;
export!(BadImport);

impl exports::switchyard::plugin::http_handler::Guest for BadImport {
    fn handle(_: Request) -> Response {
        Response { status: 200, headers: vec![], body: acme::missing::thing::do_it().into() }
    }
}
