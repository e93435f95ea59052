//! my-service: greets people, in words that they can choose.

use serde::{Deserialize, Serialize};
use switchyard_sdk::{Json, Manifest, Path, Result, Route, Router, kv};

switchyard_sdk::service!(manifest, router);

/// What the host is told: name and version are the crate's, and the gateway hands on what is under `/my-service`.
fn manifest() -> Manifest {
    switchyard_sdk::manifest!().route(Route::new("/my-service/*").strip_prefix("/my-service"))
}

fn router() -> Router {
    Router::new().get("/{name}", greet).put("/{name}", choose)
}

/// What somebody wants to be greeted with.
#[derive(Serialize, Deserialize)]
struct Words {
    words: String,
}

#[derive(Serialize)]
struct Greeting {
    greeting: String,
    times: i64,
}

fn greet(Path(name): Path<String>) -> Result<Json<Greeting>> {
    let bucket = kv::own()?;
    let chosen: Option<Words> = bucket.get_json(&format!("words/{name}"))?;
    let words = chosen.map_or("Hello".to_owned(), |chosen| chosen.words);
    let times = bucket.increment(&format!("times/{name}"), 1)?;
    Ok(Json(Greeting {
        greeting: format!("{words}, {name}!"),
        times,
    }))
}

/// Answers 204. A body of another shape never comes here: the caller is told 400, and what is wrong with it.
fn choose(Path(name): Path<String>, Json(words): Json<Words>) -> Result<()> {
    Ok(kv::own()?.set_json(&format!("words/{name}"), &words)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use switchyard_sdk::Request;

    fn greeting() -> Value {
        let response = router().serve(Request::get("/Ann"));
        assert_eq!(response.status(), 200);
        serde_json::from_slice(response.body()).expect("JSON")
    }

    fn choose(body: &str) -> u16 {
        router()
            .serve(Request::new("PUT", "/Ann").with_body(body))
            .status()
    }

    #[test]
    fn people_are_greeted_as_they_like() {
        assert_eq!(greeting(), json!({ "greeting": "Hello, Ann!", "times": 1 }));
        assert_eq!(choose(r#"{"words":"Good morning"}"#), 204);
        assert_eq!(
            greeting(),
            json!({ "greeting": "Good morning, Ann!", "times": 2 })
        );
    }

    #[test]
    fn words_are_text() {
        assert_eq!(choose(r#"{"words":5}"#), 400);
        assert_eq!(choose("{"), 400);
    }
}
