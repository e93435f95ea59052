//! Ownership.

use super::make::{Store, WORKS, at, claim, conflicts, one};
use crate::{OwnerOp, Ownership, StoreError};

fn release(resource: &str, token: u64) -> OwnerOp {
    OwnerOp::Release { resource: resource.into(), token }
}

/// While a lease runs nobody else gets the resource; its owner renews it; at its end anybody does.
pub async fn resources_have_one_owner(store: Store) {
    assert_eq!(store.owner("own").await.expect(WORKS), None);
    let token = claim(&store, "own", "ann", 0).await.expect(WORKS);
    match claim(&store, "own", "bob", 999).await {
        Err(StoreError::Owned { resource, owner }) => assert_eq!((&*resource, &*owner), ("own", "ann")),
        other => unreachable!("ann owns it: {other:?}"),
    }
    assert_eq!(claim(&store, "own", "ann", 500).await.expect(WORKS), token);
    let owner = |owner: &str, token, until| {
        Some(Ownership { resource: "own".into(), owner: owner.into(), token, until: at(until) })
    };
    assert_eq!(store.owner("own").await.expect(WORKS), owner("ann", token, 1_500));
    let taken = claim(&store, "own", "bob", 1_500).await.expect(WORKS);
    assert!(taken > token, "{taken} after {token}");
    assert_eq!(store.owner("own").await.expect(WORKS), owner("bob", taken, 2_500));
}

/// Each change of owner has a higher token, also after the resource was let go; only the present one counts.
pub async fn tokens_of_owners_rise(store: Store) {
    let insist = |token| OwnerOp::Assert { resource: "token".into(), token };
    conflicts(one(&store, insist(1)).await);
    let first = claim(&store, "token", "ann", 0).await.expect(WORKS);
    one(&store, insist(first)).await.expect(WORKS);
    one(&store, release("token", first + 1)).await.expect(WORKS);
    one(&store, insist(first)).await.expect(WORKS);
    one(&store, release("token", first)).await.expect(WORKS);
    one(&store, release("token", first)).await.expect(WORKS);
    assert_eq!(store.owner("token").await.expect(WORKS), None);
    conflicts(one(&store, insist(first)).await);
    let second = claim(&store, "token", "ann", 1).await.expect(WORKS);
    assert!(second > first, "{second} after {first}");
    let third = claim(&store, "token", "bob", 5_000).await.expect(WORKS);
    assert!(third > second, "{third} after {second}");
    conflicts(one(&store, insist(second)).await);
}
