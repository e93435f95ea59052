//! Steps of sagas over HTTP, each told apart by its `Idempotency-Key`.

use std::time::Duration;

use crate::switchyard::plugin::{
    batch::{self, Condition, Error, Key, Operation},
    http_types::Request,
};

/// Longer than anything is measured.
const FOR_EVER: Duration = Duration::from_secs(3_000);

/// Carries out a step, and answers its result.
///
/// `plain` keeps nothing. `durable` remembers the key in one commit with what it changes, as commands of the example
/// services do, and answers a key that it has seen as it did then. `hold` takes longer than anybody waits.
pub fn carry_out(request: &Request, how: &str) -> Result<Vec<u8>, String> {
    let key = request.headers.iter().find(|(name, _)| name == "idempotency-key").map(|(_, value)| value);
    let key = str::from_utf8(key.ok_or("a step has a key")?).map_err(|error| error.to_string())?;
    let answer = format!(r#"{{"receipt":"{key}"}}"#).into_bytes();
    match how {
        "plain" => Ok(answer),
        "durable" => once(key, answer).map_err(|error| error.to_string()),
        "hold" => {
            std::thread::sleep(FOR_EVER);
            Ok(answer)
        }
        _ => Err(format!("no such step: {how}")),
    }
}

fn once(key: &str, answer: Vec<u8>) -> Result<Vec<u8>, Error> {
    let (done, sum) = (place(format!("done/{key}")), place(format!("sum/{key}")));
    let unchanged = batch::read(&sum)?.map_or(Condition::Absent, |entry| Condition::Revision(entry.revision));
    let writes = [
        Operation::Put((done.clone(), answer.clone(), Condition::Absent)),
        Operation::Put((sum, br#"{"done":1,"undone":0}"#.to_vec(), unchanged)),
    ];
    match batch::commit(&writes) {
        Ok(_) => Ok(answer),
        Err(Error::Conflict(_)) => batch::read(&done)?.map(|entry| entry.value).ok_or(Error::Conflict(done)),
        Err(error) => Err(error),
    }
}

fn place(name: String) -> Key {
    Key { bucket: String::new(), name }
}
