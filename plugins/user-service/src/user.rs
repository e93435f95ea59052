//! A user, and what may change in one.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use switchyard_sdk::clock::Timestamp;
use switchyard_sdk::{Error, Event, Result, events};

/// The largest body taken, in bytes: a user is a few lines.
const BODY_MAX: usize = 64 * 1024;

/// A user as it is stored and sent.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    pub id: String,
    name: String,
    email: String,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
    /// What an update added.
    #[serde(flatten)]
    further: Map<String, Value>,
}

/// The members of a JSON object that came as a body.
pub struct Changes(Map<String, Value>);

// === impl User ===

impl User {
    pub fn from_json(json: &[u8]) -> Result<Self> {
        serde_json::from_slice(json).map_err(Error::internal)
    }

    pub fn to_json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(Error::internal)
    }

    /// The event that tells of a change. Those of one user are delivered in their order.
    pub fn event(&self, topic: &str) -> Result<events::Draft> {
        let data = json!({ "id": self.id, "name": self.name, "email": self.email });
        Ok(Event::new(topic).json(&data)?.subject(&self.id).key(&self.id))
    }

    /// Merges the changes, keeping id and time of creation.
    pub fn apply(&mut self, changes: &Changes, now: Timestamp) -> Result<()> {
        for (member, value) in &changes.0 {
            match member.as_str() {
                "id" | "createdAt" | "updatedAt" => {}
                "name" => self.name = required(Some(value))?,
                "email" => self.email = required(Some(value))?,
                _ => {
                    self.further.insert(member.clone(), value.clone());
                }
            }
        }
        self.updated_at = Some(now.to_string());
        Ok(())
    }
}

// === impl Changes ===

impl Changes {
    /// Reads a body; an empty one counts as `{}`.
    pub fn from_body(body: &[u8]) -> Result<Self> {
        if body.len() > BODY_MAX {
            return Err(Error::new(413, "Payload too large"));
        }
        let body = if body.is_empty() { b"{}" } else { body };
        serde_json::from_slice(body).map(Self).map_err(|_| Error::bad_request("Invalid JSON"))
    }

    /// A new user; members other than name and email are left out.
    pub fn into_user(self, id: String, now: Timestamp) -> Result<User> {
        Ok(User {
            id,
            name: required(self.0.get("name"))?,
            email: required(self.0.get("email"))?,
            created_at: now.to_string(),
            updated_at: None,
            further: Map::new(),
        })
    }
}

/// Text that is not empty.
fn required(value: Option<&Value>) -> Result<String> {
    match value {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        _ => Err(Error::bad_request("Name and email are required")),
    }
}
