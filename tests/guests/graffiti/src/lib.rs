//! Writes markup wherever a guest can write: into its manifest, its log, its answers and its failures. Whoever shows these to
//! people has to show them as text. Topics, queues and sagas come from the side files of the tests.
//!
//! Paths: `/log` writes a line at each level, `/headers` answers with markup in headers and body, `/keep` stores a value under
//! a key of markup, `/trap` panics with it, everything else answers 500 with it.

use support::path;

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package guests:graffiti;
        world graffiti {
            import wasi:logging/logging@0.1.0-draft;
            import wasi:keyvalue/store@0.2.0-draft2;
            export switchyard:plugin/manifest@0.1.0;
            export switchyard:plugin/http-handler@0.1.0;
            export switchyard:plugin/event-handler@0.1.0;
            export switchyard:plugin/queue-handler@0.1.0;
            export switchyard:plugin/command-handler@0.1.0;
        }
    ",
    world: "guests:graffiti/graffiti",
    generate_all,
});

use exports::switchyard::plugin::{command_handler, event_handler, http_handler, manifest, queue_handler};
use switchyard::plugin::{
    event_types::Event,
    http_types::{Request, Response},
    queue_types::Message,
    types::Failure,
};
use wasi::{
    keyvalue::store,
    logging::logging::{Level, log},
};

/// Elements that would run a script, or fetch something, if they were taken for markup.
const MARKUP: &str = r#"<img src=x onerror="window.marked='guest';alert(1)"><script>window.marked='guest'</script>"#;

/// What breaks out of an attribute, of either kind of quotes.
const QUOTES: &str = r#""onmouseover="window.marked='guest'" '><svg onload=window.marked='guest'>&lt;b&gt;&amp;"#;

/// Text that a reader sees in another order than it stands in, and what moves a terminal's cursor.
const CONTROLS: &str = "\u{202e}gpj.exe\u{2066} \u{1b}[2J\u{1b}[31mred\u{7}\r\nsecond line\t\u{0} \u{200b}\u{feff}";

struct Graffiti;
export!(Graffiti);

impl http_handler::Guest for Graffiti {
    fn handle(request: Request) -> Response {
        match path(&request.path).rsplit('/').next().unwrap_or_default() {
            "log" => respond(200, &log_lines(&request.path)),
            "headers" => respond(200, MARKUP),
            "keep" => match keep() {
                Ok(()) => respond(200, "kept"),
                Err(error) => respond(500, &format!("{error:?}")),
            },
            "trap" => panic!("{MARKUP} {CONTROLS}"),
            _ => respond(500, MARKUP),
        }
    }
}

impl event_handler::Guest for Graffiti {
    fn handle(event: Event, _: event_handler::Delivery) -> Result<(), Failure> {
        log(Level::Error, MARKUP, &String::from_utf8_lossy(&event.data));
        Err(Failure::Reject(format!("{MARKUP}{QUOTES}{CONTROLS}")))
    }
}

impl queue_handler::Guest for Graffiti {
    fn handle(_: Message) -> Result<(), Failure> {
        Err(Failure::Reject(format!("{MARKUP}{QUOTES}{CONTROLS}")))
    }
}

impl command_handler::Guest for Graffiti {
    fn handle(command: command_handler::Command) -> Result<Vec<u8>, Failure> {
        if command.name.ends_with(".fail") {
            return Err(Failure::Reject(format!("{MARKUP}{QUOTES}{CONTROLS}")));
        }
        let result = format!(r#"{{"note":"{}"}}"#, MARKUP.replace('"', "\\\""));
        Ok(result.into_bytes())
    }
}

impl manifest::Guest for Graffiti {
    fn describe() -> manifest::Description {
        manifest::Description {
            name: "graffiti".into(),
            version: "1.0.0+script.alert.1".into(),
            description: format!("{MARKUP}{QUOTES}{CONTROLS}"),
            tags: vec![MARKUP.into(), QUOTES.into(), CONTROLS.into(), "javascript:window.marked='guest'".into()],
            metadata: vec![
                (MARKUP.into(), MARKUP.into()),
                (QUOTES.into(), QUOTES.into()),
                ("homepage".into(), "javascript:window.marked='guest'".into()),
                ("controls".into(), CONTROLS.into()),
            ],
            routes: vec![],
            subscriptions: vec![],
            queues: vec![],
            schedules: vec![],
            commands: vec!["graffiti.ok".into(), "graffiti.fail".into()],
            sagas: vec![],
            dependencies: vec![manifest::Dependency { name: MARKUP.into(), health_url: None, timeout: None }],
            health: None,
            guests: Some(manifest::Guests::Reused),
        }
    }
}

/// A line at each level, and on both standard streams.
fn log_lines(target: &str) -> String {
    let levels = [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Critical];
    for level in levels {
        log(level, QUOTES, &format!("{MARKUP} {target} {CONTROLS}"));
    }
    println!("{MARKUP} {CONTROLS}");
    eprintln!("{QUOTES} {CONTROLS}");
    format!("{} lines", levels.len() + 2)
}

fn keep() -> Result<(), store::Error> {
    let bucket = store::open("")?;
    bucket.set(MARKUP, format!(r#"{{"markup": "{}"}}"#, MARKUP.replace('"', "\\\"")).as_bytes())?;
    bucket.set("quotes", QUOTES.as_bytes())?;
    bucket.set("controls", CONTROLS.as_bytes())?;
    bucket.set("bytes", &[0, 159, 146, 150, 255, b'<'])
}

fn respond(status: u16, text: &str) -> Response {
    let headers = vec![
        ("content-type".into(), b"text/html".to_vec()),
        ("x-markup".into(), MARKUP.as_bytes().to_vec()),
        ("x-quotes".into(), QUOTES.as_bytes().to_vec()),
    ];
    Response { status, headers, body: text.into() }
}
