//! One operation, built up from what its path in the code does.

use serde_json::{Value, json};
use switchyard_core::problem::Code;

/// An operation of the document.
pub(super) struct Operation(Value);

/// A reference to a schema of the document.
pub(super) fn schema(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A list with items of this schema.
pub(super) fn list_of(item: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": item},
            "next": {"type": ["string", "null"], "description": "The cursor of the next page."},
        },
    })
}

// === impl Operation ===

impl Operation {
    /// What it is called, under which heading it stands, and what it does. Whoever is elsewhere is refused.
    pub(super) fn new(id: &str, tag: &str, summary: &str) -> Self {
        let operation = json!({"operationId": id, "tags": [tag], "summary": summary, "responses": {}});
        Self(operation).refuses(&[Code::Forbidden])
    }

    /// More about it.
    pub(super) fn about(mut self, text: &str) -> Self {
        self.0["description"] = text.into();
        self
    }

    /// Takes a member of the query.
    pub(super) fn query(self, name: &str, schema: &Value, about: &str) -> Self {
        self.parameter(json!({"name": name, "in": "query", "schema": schema, "description": about}))
    }

    /// Takes a member of the query that has to be there.
    pub(super) fn required_query(self, name: &str, schema: &Value, about: &str) -> Self {
        let parameter = json!({"name": name, "in": "query", "schema": schema, "description": about, "required": true});
        self.parameter(parameter)
    }

    /// Takes a header.
    pub(super) fn header(self, name: &str, schema: &Value, about: &str) -> Self {
        self.parameter(json!({"name": name, "in": "header", "schema": schema, "description": about}))
    }

    /// Answers a part of a list, for which the query can ask.
    pub(super) fn pages(self, max: u32, item: &Value) -> Self {
        let limit = json!({"type": "integer", "minimum": 1, "maximum": max});
        self.query("limit", &limit, "How many items at most.")
            .query("cursor", &json!({"type": "string"}), "The `next` of the page before.")
            .answers(200, "A page of the list", &list_of(item))
            .refuses(&[Code::BadRequest])
    }

    /// Takes a body of JSON; without one it is `{}`, if nothing is required.
    pub(super) fn takes(self, schema: &Value, is_required: bool) -> Self {
        self.takes_as("application/json", schema, is_required)
    }

    /// Takes a body of this type, besides those that it takes already.
    pub(super) fn takes_as(mut self, kind: &str, schema: &Value, is_required: bool) -> Self {
        self.0["requestBody"]["required"] = is_required.into();
        self.0["requestBody"]["content"][kind] = json!({"schema": schema});
        self.refuses(&[Code::BadRequest, Code::PayloadTooLarge, Code::RequestTimeout])
    }

    /// Answers JSON with this status.
    pub(super) fn answers(self, status: u16, about: &str, schema: &Value) -> Self {
        self.answers_as(status, about, "application/json", schema)
    }

    /// Answers something of this type with this status.
    pub(super) fn answers_as(mut self, status: u16, about: &str, kind: &str, schema: &Value) -> Self {
        self.0["responses"][status.to_string()] = json!({"description": about, "content": {kind: {"schema": schema}}});
        self
    }

    /// Answers that it is done.
    pub(super) fn empty(mut self) -> Self {
        self.0["responses"]["204"] = json!({"description": "It is done"});
        self
    }

    /// Says where what it made is.
    pub(super) fn located(mut self, status: u16) -> Self {
        self.0["responses"][status.to_string()]["headers"]["Location"] =
            json!({"description": "Where it is from now on.", "required": true, "schema": {"type": "string"}});
        self
    }

    /// Refuses with these problems.
    pub(super) fn refuses(mut self, codes: &[Code]) -> Self {
        for code in codes {
            let response = &mut self.0["responses"][code.status().to_string()];
            let text = format!("{} ({})", code.title(), code.as_str());
            match response["description"].as_str() {
                Some(told) if told.contains(code.as_str()) => continue,
                Some(told) => response["description"] = format!("{told}; or {text}").into(),
                None => response["description"] = text.into(),
            }
            response["content"]["application/problem+json"] = json!({"schema": schema("Problem")});
            if matches!(code, Code::QueueFull | Code::StoreUnavailable) {
                response["headers"]["Retry-After"] =
                    json!({"description": "Seconds.", "schema": {"type": "string", "pattern": "^[0-9]+$"}});
            }
        }
        self
    }

    /// Whether it answers without an end.
    pub(super) fn is_stream(&self) -> bool {
        !self.0["responses"]["200"]["content"]["text/event-stream"].is_null()
    }

    /// The same without bodies.
    pub(super) fn head(&self) -> Value {
        let mut head = self.0.clone();
        head["operationId"] = format!("{}Head", head["operationId"].as_str().unwrap_or_default()).into();
        if let Some(responses) = head["responses"].as_object_mut() {
            for response in responses.values_mut().filter_map(Value::as_object_mut) {
                response.remove("content");
            }
        }
        head
    }

    pub(super) fn into_value(self) -> Value {
        self.0
    }

    fn parameter(mut self, parameter: Value) -> Self {
        match self.0["parameters"].as_array_mut() {
            Some(parameters) => parameters.push(parameter),
            None => self.0["parameters"] = json!([parameter]),
        }
        self
    }
}
