//! The smallest service in the fast lane: `hello` at every path, and at `/version` the text that the environment
//! variable `HELLO_VERSION` had when it was built. No SDK.

use switchyard::plugin::http_types::{Request, Response};

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package guests:hello;
        world hello {
            export switchyard:plugin/manifest@0.1.0;
            export switchyard:plugin/http-handler@0.1.0;
        }
    ",
    world: "guests:hello/hello",
    generate_all,
});

use exports::switchyard::plugin::{http_handler, manifest};

const VERSION: &str = match option_env!("HELLO_VERSION") {
    Some(version) => version,
    None => "1",
};

struct Hello;
export!(Hello);

impl http_handler::Guest for Hello {
    fn handle(request: Request) -> Response {
        let path = request.path.split('?').next().unwrap_or_default();
        let body = if path.ends_with("/version") { VERSION } else { "hello" };
        Response { status: 200, headers: vec![("content-type".into(), b"text/plain".to_vec())], body: body.into() }
    }
}

impl manifest::Guest for Hello {
    fn describe() -> manifest::Description {
        manifest::Description {
            name: "hello".into(),
            version: format!("{}.0.0", VERSION.parse::<u32>().unwrap_or(0)),
            description: "Says hello.".into(),
            tags: vec![],
            metadata: vec![],
            routes: vec![manifest::Route {
                path: "/hello/*".into(),
                methods: vec![],
                strip_prefix: None,
                host: None,
                timeout: None,
            }],
            subscriptions: vec![],
            queues: vec![],
            schedules: vec![],
            commands: vec![],
            sagas: vec![],
            dependencies: vec![],
            health: None,
            guests: Some(manifest::Guests::Reused),
        }
    }
}
