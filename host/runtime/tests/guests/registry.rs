//! What a guest is told of the services there are.

use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn a_guest_discovers_and_looks_up() {
    let world = World::probe().await;
    let found = json!([{
        "id": "users-10.0.0.7-8080", "name": "users", "address": "10.0.0.7", "port": 8_080, "version": "1.2.0",
        "tags": ["eu"], "metadata": {"zone": "a"}, "status": "healthy",
    }]);
    assert_eq!(world.post("/discover?name=users&tags=eu,fast", Value::Null).await, (200, found.clone()));
    assert_eq!(world.post("/discover", Value::Null).await, (200, found));
    assert_eq!(world.post("/lookup?name=nobody", Value::Null).await, (200, json!([])));
    let expected = [r#"discover Some("users") with ["eu", "fast"]"#, "discover None with []", "lookup nobody"];
    assert_eq!(world.ports.asked(), expected);
}
