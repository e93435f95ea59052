//! What participants are sent, how their results flow back into the saga's data, and how large that may grow.
//!
//! Objects are laid over each other shallowly: of members of one name the later one stays. So a member `sagaId` of
//! the data hides the saga's own, which a participant has from the command, the event or the request anyway.

use serde_json::{Map, Value};

use super::{
    DATA_MAX, Saga,
    definition::CommandStep,
    id::{CommandId, Direction},
};

/// The length of a value's JSON, in bytes.
pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(true) => 4,
        Value::Bool(false) => 5,
        Value::Number(number) => number.to_string().len(),
        Value::String(text) => text_size(text),
        Value::Array(values) => values.iter().map(|value| size(value) + 1).sum::<usize>().max(1) + 1,
        Value::Object(members) => object_size(members),
    }
}

/// The length of an object's JSON, in bytes.
pub(super) fn object_size(members: &Map<String, Value>) -> usize {
    // A colon, and a comma or the closing brace.
    members.iter().map(|(name, value)| text_size(name) + size(value) + 2).sum::<usize>().max(1) + 1
}

fn text_size(text: &str) -> usize {
    let escaped = |byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum::<usize>() + 2
}

/// Lays the members of `over` upon `data`, if it is an object.
pub(super) fn merge(data: &mut Map<String, Value>, over: &Value) {
    if let Value::Object(over) = over {
        data.extend(over.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
}

// === impl Saga ===

impl Saga {
    /// What a command carries: `{sagaId, stepIndex, ...data, ...step data}`, or for a compensation `{sagaId,
    /// originalStepIndex, originalResult, ...data}`.
    ///
    /// It is the same for all attempts of a round, unless an operator edited the data: nothing is merged into the
    /// data while a command of its stage, or a compensation, is under way.
    pub(super) fn payload(&self, command: &CommandId, step: &CommandStep) -> Map<String, Value> {
        let mut payload = Map::new();
        payload.insert("sagaId".to_owned(), self.id.as_str().into());
        match command.direction {
            Direction::Forward => {
                payload.insert("stepIndex".to_owned(), command.step.into());
            }
            Direction::Compensation => {
                let result = self.state.steps.get(command.step as usize).map(|step| step.result.clone());
                payload.insert("originalStepIndex".to_owned(), command.step.into());
                payload.insert("originalResult".to_owned(), result.unwrap_or_default());
            }
        }
        payload.extend(self.state.data.clone());
        if command.direction == Direction::Forward {
            payload.extend(step.data.clone());
        }
        payload
    }

    /// Whether a step's result, or a signal for it, has room: in the data, as it will be when the stage is done, and
    /// among the results and signals that are kept, at most [`DATA_MAX`] each. Else says why not.
    pub(super) fn has_room(&self, index: u32, result: &Value) -> Result<(), String> {
        let too_large =
            |what: &str, bytes| Err(format!("{what} would have {bytes} bytes, over the limit of {DATA_MAX}"));
        let others = (0..).zip(&self.state.steps).filter(|(other, _)| *other != index);
        let kept =
            others.map(|(_, step)| size(&step.result) + step.signal.as_ref().map_or(0, |signal| size(&signal.data)));
        let results = kept.fold(size(result), usize::saturating_add);
        if results > DATA_MAX {
            return too_large("with its result, all results", results);
        }
        let data = object_size(&self.state.data);
        // Mostly there is room even if nothing is laid over anything else, and nothing need be copied.
        if data.saturating_add(results) > DATA_MAX {
            let mut merged = self.state.data.clone();
            for member in self.members().filter(|member| *member != index) {
                merge(&mut merged, &self.state.steps[member as usize].result);
            }
            merge(&mut merged, result);
            let merged = object_size(&merged);
            if merged > DATA_MAX {
                return too_large("with its result, the saga's data", merged);
            }
        }
        Ok(())
    }
}

/// The data of a saga that is to be started, or that an operator edited.
///
/// # Errors
/// When it is no object, or too large.
pub(super) fn check_data(data: Value) -> Result<Map<String, Value>, String> {
    let Value::Object(data) = data else {
        return Err("the data is no JSON object".to_owned());
    };
    let bytes = object_size(&data);
    if bytes > DATA_MAX {
        return Err(format!("the data has {bytes} bytes, over the limit of {DATA_MAX}"));
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sizes_are_those_of_the_text() {
        let values = json!([
            null, true, false, 0, -1.5e300, 1e-7, u64::MAX, i64::MIN, "", "ä\u{1F600}", "\"\\/\n\r\t\u{8}\u{c}\u{1}\u{1f}\u{7f}",
            [], [[]], [1, [2, 3]], {}, {"a": {}}, {"a\"": 1, "b": [null], "c": {"d": "e"}},
        ]);
        for value in values.as_array().unwrap() {
            assert_eq!(size(value), value.to_string().len(), "{value}");
        }
        assert_eq!(size(&values), values.to_string().len());
    }
}
