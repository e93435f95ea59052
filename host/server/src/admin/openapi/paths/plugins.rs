//! Plugins: listed, deployed, rolled back, removed.

use serde_json::json;
use switchyard_core::problem::Code;

use super::{Entry, Operation, PAGE_MAX};
use crate::admin::{
    openapi::schemas::{of, taken},
    plugins::{PluginItem, Rollback},
};

pub(super) fn all() -> Vec<Entry> {
    let changes = [Code::ServiceBusy, Code::ShuttingDown, Code::StoreUnavailable];
    let stem =
        json!({"type": "string", "pattern": "^[a-z0-9-]{1,63}(@(0|[1-9][0-9]{0,5})(\\.(0|[1-9][0-9]{0,5})){2})?$"});
    let binary = json!({"type": "string", "contentMediaType": "application/wasm", "minLength": 1});
    let text = json!({"type": "string"});
    let form = json!({
        "type": "object",
        "required": ["component"],
        "properties": {"component": binary, "side": text, "signature": text},
        "additionalProperties": false,
    });
    vec![
        (
            "/api/v1/plugins",
            "get",
            Operation::new("listPlugins", "plugins", "The files of the plugins folder")
                .pages(PAGE_MAX, of::<PluginItem<'_>>()),
        ),
        (
            "/api/v1/plugins",
            "post",
            Operation::new(
                "deploy",
                "plugins",
                "Puts a component into the plugins folder, and answers when it is live",
            )
            .about(
                "The body is the component; or a form with it, its side file and its signature. It is looked at as a \
                     load would before the folder changes. A signature that is not sent goes.",
            )
            .required_query("name", &stem, "The stem of its file: NAME or NAME@VERSION.")
            .query(
                "side",
                json!({"enum": ["keep", "none"]}),
                "What becomes of the side file that is there when none is sent; it stays when nothing is said.",
            )
            .takes_as("application/wasm", &binary, true)
            .takes_as("multipart/form-data", &form, true)
            .answers(200, "It has replaced what was there", of::<PluginItem<'_>>())
            .answers(201, "It is live", of::<PluginItem<'_>>())
            .located(200)
            .located(201)
            .refuses(&[Code::Conflict, Code::PluginRefused])
            .refuses(&changes),
        ),
        (
            "/api/v1/plugins/{name}",
            "get",
            Operation::new("plugin", "plugins", "One plugin, by the stem of its file")
                .answers(200, "The plugin", of::<PluginItem<'_>>())
                .refuses(&[Code::NotFound]),
        ),
        (
            "/api/v1/plugins/{name}",
            "delete",
            Operation::new("remove", "plugins", "Removes its files, and answers when what was under way has finished")
                .empty()
                .refuses(&[Code::NotFound])
                .refuses(&changes),
        ),
        (
            "/api/v1/plugins/{name}/rollback",
            "post",
            Operation::new(
                "rollback",
                "plugins",
                "Puts an artifact that served before back, and answers when it is live",
            )
            .about("Without a body it is the one that served before; by version, the latest of that version.")
            .takes(taken::<Rollback>(), false)
            .answers(200, "It is live", of::<PluginItem<'_>>())
            .refuses(&[Code::NotFound, Code::Conflict, Code::PluginRefused])
            .refuses(&changes),
        ),
    ]
}
