//! What this process is, for collectors.

use std::env;

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value},
    resource::v1::Resource,
};

/// What it is called when the environment does not say.
const SERVICE_NAME: &str = "switchyard";

/// Attributes in the environment: `NAME=VALUE,NAME=VALUE`, values percent-encoded.
const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// The service's name in the environment, which goes before the attribute.
const NAME: &str = "OTEL_SERVICE_NAME";

/// The resource of all that this process sends.
pub(super) fn of_this_process() -> Resource {
    let said = |name: &str| env::var(name).ok().filter(|text| !text.trim().is_empty());
    let attributes = all(said(ATTRIBUTES).as_deref().unwrap_or_default(), said(NAME), host_name());
    Resource { attributes, ..Resource::default() }
}

fn all(of_environment: &str, service: Option<String>, host: Option<String>) -> Vec<KeyValue> {
    let mut all: Vec<(String, String)> = pairs(of_environment).collect();
    if let Some(service) = service {
        all.retain(|(name, _)| name != "service.name");
        all.push(("service.name".to_owned(), service));
    }
    let own = [
        ("service.name", Some(SERVICE_NAME.to_owned())),
        ("service.version", Some(env!("CARGO_PKG_VERSION").to_owned())),
        // Each start is an instance of its own, so that what is counted anew is not taken for less.
        ("service.instance.id", Some(uuid::Uuid::new_v4().to_string())),
        ("host.name", host),
        ("process.pid", Some(std::process::id().to_string())),
        ("telemetry.sdk.language", Some("rust".to_owned())),
        ("telemetry.sdk.name", Some(SERVICE_NAME.to_owned())),
    ];
    for (name, value) in own {
        if let Some(value) = value.filter(|_| all.iter().all(|(known, _)| known != name)) {
            all.push((name.to_owned(), value));
        }
    }
    all.into_iter().map(|(name, value)| text(&name, value)).collect()
}

/// An attribute that is a text.
fn text(name: &str, value: String) -> KeyValue {
    let value = Some(AnyValue { value: Some(any_value::Value::StringValue(value)) });
    KeyValue { key: name.to_owned(), value, ..KeyValue::default() }
}

/// The pairs of a text such as `a=b,c=d%20e`, as OpenTelemetry has them in variables; what is no pair is left out.
pub(crate) fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    let pairs = pairs.map(|(name, value)| (name.trim().to_owned(), decode(value.trim())));
    pairs.filter(|(name, _)| !name.is_empty())
}

/// Takes percent-encoding off; what is none stays as it is.
fn decode(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn host_name() -> Option<String> {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = kernel.or_else(|| env::var("HOSTNAME").ok())?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(attributes: &[KeyValue], name: &str) -> Vec<String> {
        let of = attributes.iter().filter(|attribute| attribute.key == name);
        of.map(|attribute| match &attribute.value {
            Some(AnyValue { value: Some(any_value::Value::StringValue(text)) }) => text.clone(),
            other => panic!("{name} is {other:?}"),
        })
        .collect()
    }

    #[test]
    fn the_environment_goes_before_what_is_known_and_the_name_before_the_attribute() {
        let said = "service.name=a,deployment.environment.name=test%20it,broken,=x";
        let attributes = all(said, Some("b".to_owned()), Some("h".to_owned()));
        assert_eq!(value(&attributes, "service.name"), ["b"]);
        assert_eq!(value(&attributes, "deployment.environment.name"), ["test it"]);
        assert_eq!(value(&attributes, "host.name"), ["h"]);
        assert_eq!(value(&attributes, "service.version"), [env!("CARGO_PKG_VERSION")]);
        assert_eq!(value(&all("", None, None), "service.name"), ["switchyard"]);
        assert!(value(&all("", None, None), "host.name").is_empty());
    }

    #[test]
    fn percent_signs_that_encode_nothing_stay() {
        for (text, decoded) in
            [("a%2Cb", "a,b"), ("100%", "100%"), ("%zz%4", "%zz%4"), ("%c3%a4", "ä"), ("%ff", "\u{fffd}")]
        {
            assert_eq!(decode(text), decoded, "{text}");
        }
    }
}
