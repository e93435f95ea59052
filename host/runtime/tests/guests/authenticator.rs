//! Whose a token is.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use switchyard_runtime::{AuthError, Claims, GuestError};

use crate::world::{World, context};

const SECOND: Duration = Duration::from_secs(1);

async fn validate(world: &World, token: &Value) -> Result<Result<Claims, AuthError>, GuestError> {
    world.plugin.validate_token(context(60 * SECOND), &token.to_string()).await
}

#[tokio::test]
async fn a_token_is_somebodys_or_not_or_nobody_knows() {
    let world = World::new("filter", 60 * SECOND).await;
    let ann = json!({"subject": "ann", "all": r#"{ "sub": "ann", "roles": ["admin"] }"#, "validUntil": 60});
    let expected = Claims {
        subject: "ann".to_owned(),
        all: r#"{"roles":["admin"],"sub":"ann"}"#.into(),
        valid_until: Some(UNIX_EPOCH + 60 * SECOND),
    };
    let claims = validate(&world, &ann).await.unwrap().unwrap();
    let sorted: Value = serde_json::from_slice(&claims.all).unwrap();
    assert_eq!(Claims { all: sorted.to_string().into(), ..claims }, expected);
    let invalid = world.plugin.validate_token(context(60 * SECOND), "x.y.z").await.unwrap();
    assert_eq!(invalid, Err(AuthError::Invalid("it is no JSON".to_owned())));
    let unavailable = validate(&world, &json!({"unavailable": "no keys"})).await.unwrap();
    assert_eq!(unavailable, Err(AuthError::Unavailable("no keys".to_owned())));
}

#[tokio::test]
async fn what_is_no_answer_is_a_failure() {
    let world = World::new("filter", SECOND).await;
    for token in [json!({"subject": ""}), json!({"subject": "ann", "all": "[]"}), json!({"do": "trap"})] {
        let failed = validate(&world, &token).await;
        assert!(matches!(failed, Err(GuestError::Failed { .. })), "{token}: {failed:?}");
    }
    let spun = validate(&world, &json!({"do": "spin"})).await;
    assert!(matches!(spun, Err(GuestError::TimedOut { .. })), "{spun:?}");
    let ann = validate(&world, &json!({"subject": "ann"})).await.unwrap().unwrap();
    assert_eq!((ann.subject.as_str(), ann.valid_until), ("ann", None), "it goes on with another instance");
    let hello = World::new("hello", SECOND).await;
    let error = validate(&hello, &json!({})).await.unwrap_err().to_string();
    assert!(error.contains("switchyard:plugin/authenticator@0.1.x"), "{error}");
}
