//! Refuses requests by their `User-Agent`.
//!
//! What guards has to expect what nobody sends by accident: a header may stand there twice, in any case, and with bytes
//! that are no text. And it fails closed: a configuration that cannot be read ends the request.

use switchyard_sdk::{Manifest, RequestHead, Response, Result, config};

switchyard_sdk::plugin! { manifest: manifest, middleware: deny }

fn manifest() -> Manifest {
    switchyard_sdk::manifest!().tag("middleware")
}

/// Answers 403 when an agent's name contains one of those in the configuration; else the request goes on.
fn deny(request: &RequestHead) -> Result<Option<Response>> {
    let denied = config::get("agents")?.unwrap_or_else(|| "badbot".to_owned()).to_lowercase();
    let mut denied = denied.split(',').map(str::trim).filter(|name| !name.is_empty());
    let agents = request.headers().filter(|(name, _)| *name == "user-agent");
    let agents: Vec<_> = agents.map(|(_, value)| String::from_utf8_lossy(value).to_lowercase()).collect();
    let found = denied.find(|name| agents.iter().any(|agent| agent.contains(name)));
    Ok(found.map(|name| Response::problem(403, format!("Agents like '{name}' are not served"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchyard_sdk::testing;

    fn status(agent: &[u8]) -> Option<u16> {
        let request = RequestHead::get("/a").with_header("User-Agent", agent);
        deny(&request).expect("a decision").map(|answer| answer.status())
    }

    #[test]
    fn an_agent_is_known_by_a_part_of_its_name() {
        for agent in ["BadBot/2.0", "Mozilla/5.0 (compatible; badbot)"] {
            assert_eq!(status(agent.as_bytes()), Some(403), "{agent}");
        }
        for agent in ["", "curl/8.5.0", "bad bot"] {
            assert_eq!(status(agent.as_bytes()), None, "{agent}");
        }
        assert_eq!(status(b"\xff badbot"), Some(403), "what is no text hides nothing");
        assert!(deny(&RequestHead::get("/a")).expect("a decision").is_none(), "nobody has to say who it is");
    }

    #[test]
    fn the_configuration_says_who_is_denied() {
        testing::set_config("agents", " Curl , wget,,");
        assert_eq!((status(b"curl/8.5.0"), status(b"Wget/1"), status(b"badbot")), (Some(403), Some(403), None));
        testing::set_config("agents", "");
        assert_eq!(status(b"anything"), None);
    }
}
