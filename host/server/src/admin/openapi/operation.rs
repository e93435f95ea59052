//! One operation, built up from what its path in the code does.

use serde_json::{Map, Value, json};
use switchyard_core::problem::Code;

use super::schemas::Shape;

/// What whoever asks can be refused for: another site, no token, a wrong one, and too many of them.
const ANYONE: [Code; 4] = [Code::Forbidden, Code::MissingCredentials, Code::InvalidCredentials, Code::RateLimited];

/// An operation of the document.
pub(super) struct Operation {
    value: Value,
    /// The schemas that its own refer to, as far as they are derived.
    components: Map<String, Value>,
}

/// A reference to a schema of the document.
pub(super) fn schema(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A list with items of this schema.
pub(super) fn list_of(item: impl Into<Shape>) -> Shape {
    let Shape { schema, components } = item.into();
    let schema = json!({
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": schema},
            "next": {"type": ["string", "null"], "description": "The cursor of the next page."},
        },
    });
    Shape { schema, components }
}

// === impl Operation ===

impl Operation {
    /// What it is called, under which heading it stands, and what it does. Whoever is elsewhere is refused.
    pub(super) fn new(id: &str, tag: &str, summary: &str) -> Self {
        let operation = json!({"operationId": id, "tags": [tag], "summary": summary, "responses": {}});
        Self { value: operation, components: Map::new() }.refuses(&ANYONE)
    }

    /// More about it.
    pub(super) fn about(mut self, text: &str) -> Self {
        self.value["description"] = text.into();
        self
    }

    /// Takes a member of the query.
    pub(super) fn query(mut self, name: &str, schema: impl Into<Shape>, about: &str) -> Self {
        let schema = self.known(schema);
        self.parameter(json!({"name": name, "in": "query", "schema": schema, "description": about}))
    }

    /// Takes a member of the query that has to be there.
    pub(super) fn required_query(mut self, name: &str, schema: impl Into<Shape>, about: &str) -> Self {
        let schema = self.known(schema);
        let parameter = json!({"name": name, "in": "query", "schema": schema, "description": about, "required": true});
        self.parameter(parameter)
    }

    /// Takes a header.
    pub(super) fn header(mut self, name: &str, schema: impl Into<Shape>, about: &str) -> Self {
        let schema = self.known(schema);
        self.parameter(json!({"name": name, "in": "header", "schema": schema, "description": about}))
    }

    /// Answers a part of a list, for which the query can ask.
    pub(super) fn pages(self, max: u32, item: impl Into<Shape>) -> Self {
        let limit = json!({"type": "integer", "minimum": 1, "maximum": max});
        self.query("limit", &limit, "How many items at most.")
            .query("cursor", json!({"type": "string"}), "The `next` of the page before.")
            .answers(200, "A page of the list", list_of(item))
            .refuses(&[Code::BadRequest])
    }

    /// Takes a body of JSON; without one it is `{}`, if nothing is required.
    pub(super) fn takes(self, schema: impl Into<Shape>, is_required: bool) -> Self {
        self.takes_as("application/json", schema, is_required)
    }

    /// Takes a body of this type, besides those that it takes already.
    pub(super) fn takes_as(mut self, kind: &str, schema: impl Into<Shape>, is_required: bool) -> Self {
        let schema = self.known(schema);
        self.value["requestBody"]["required"] = is_required.into();
        self.value["requestBody"]["content"][kind] = json!({"schema": schema});
        self.refuses(&[Code::BadRequest, Code::PayloadTooLarge, Code::RequestTimeout])
    }

    /// Answers JSON with this status.
    pub(super) fn answers(self, status: u16, about: &str, schema: impl Into<Shape>) -> Self {
        self.answers_as(status, about, "application/json", schema)
    }

    /// Answers something of this type with this status.
    pub(super) fn answers_as(mut self, status: u16, about: &str, kind: &str, schema: impl Into<Shape>) -> Self {
        let schema = self.known(schema);
        self.value["responses"][status.to_string()] =
            json!({"description": about, "content": {kind: {"schema": schema}}});
        self
    }

    /// Answers the same in this type as well, when it is asked for.
    pub(super) fn also_answers_as(mut self, status: u16, kind: &str, schema: impl Into<Shape>) -> Self {
        let schema = self.known(schema);
        self.value["responses"][status.to_string()]["content"][kind] = json!({"schema": schema});
        self
    }

    /// Answers that it is done.
    pub(super) fn empty(mut self) -> Self {
        self.value["responses"]["204"] = json!({"description": "It is done"});
        self
    }

    /// Says where what it made is.
    pub(super) fn located(mut self, status: u16) -> Self {
        self.value["responses"][status.to_string()]["headers"]["Location"] =
            json!({"description": "Where it is from now on.", "required": true, "schema": {"type": "string"}});
        self
    }

    /// Refuses with these problems.
    pub(super) fn refuses(mut self, codes: &[Code]) -> Self {
        for code in codes {
            let response = &mut self.value["responses"][code.status().to_string()];
            let text = format!("{} ({})", code.title(), code.as_str());
            match response["description"].as_str() {
                Some(told) if told.contains(code.as_str()) => continue,
                Some(told) => response["description"] = format!("{told}; or {text}").into(),
                None => response["description"] = text.into(),
            }
            response["content"]["application/problem+json"] = json!({"schema": schema("Problem")});
            if matches!(code, Code::QueueFull | Code::StoreUnavailable | Code::RateLimited) {
                response["headers"]["Retry-After"] =
                    json!({"description": "Seconds.", "schema": {"type": "string", "pattern": "^[0-9]+$"}});
            }
            if matches!(code, Code::MissingCredentials | Code::InvalidCredentials) {
                response["headers"]["WWW-Authenticate"] =
                    json!({"description": "What is asked for.", "required": true, "schema": {"type": "string"}});
            }
        }
        self
    }

    /// Whether it answers without an end.
    pub(super) fn is_stream(&self) -> bool {
        !self.value["responses"]["200"]["content"]["text/event-stream"].is_null()
    }

    /// The same without bodies.
    pub(super) fn head(&self) -> Value {
        let mut head = self.value.clone();
        head["operationId"] = format!("{}Head", head["operationId"].as_str().unwrap_or_default()).into();
        if let Some(responses) = head["responses"].as_object_mut() {
            for response in responses.values_mut().filter_map(Value::as_object_mut) {
                response.remove("content");
            }
        }
        head
    }

    /// The operation, and the schemas that it refers to.
    pub(super) fn into_parts(self) -> (Value, Map<String, Value>) {
        (self.value, self.components)
    }

    /// The schema, after what it refers to is remembered.
    fn known(&mut self, shape: impl Into<Shape>) -> Value {
        let Shape { schema, mut components } = shape.into();
        self.components.append(&mut components);
        schema
    }

    fn parameter(mut self, parameter: Value) -> Self {
        match self.value["parameters"].as_array_mut() {
            Some(parameters) => parameters.push(parameter),
            None => self.value["parameters"] = json!([parameter]),
        }
        self
    }
}
