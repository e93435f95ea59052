//! What every backend has to do, as functions that any test can call.
//!
//! Each function takes a store and uses buckets of its own, so that all of them may run on one store, also at
//! the same time, but each only once. [`conformance_tests!`](crate::conformance_tests) makes a test of each. They
//! panic where the backend is wrong.
//!
//! Levels: all of it is for every backend that has [`Capabilities::atomic_batch`](crate::Capabilities); what a
//! test needs beyond is said in its name.

mod concurrency;
mod keys;
mod values;

pub use concurrency::*;
pub use keys::*;
pub use values::*;

/// Makes a `#[tokio::test]` of each function of the suite. It is given an async function that answers a new
/// store and whatever has to live as long: `async fn open() -> (Arc<dyn Backend>, T)`.
#[macro_export]
macro_rules! conformance_tests {
    ($open:path) => {
        $crate::conformance_tests! { $open =>
            get_answers_what_was_put
            get_many_answers_in_order
            exists_follows_put_and_delete
            put_absent_refuses_a_present_key
            put_revision_refuses_another_revision
            delete_answers_whether_the_key_existed
            revisions_are_never_used_twice
            batch_is_applied_whole_or_not_at_all
            batch_sees_its_own_operations
            increment_counts_in_decimal_text
            increment_refuses_what_is_no_number
            limits_are_enforced_by_name
            bucket_limit_counts_all_that_is_in_it
            buckets_do_not_share_keys
            list_pages_through_keys_in_order
            list_with_prefix_stops_at_its_end
            any_text_is_a_key
            one_of_many_swaps_wins
            concurrent_increments_add_up
            reads_never_go_back
            close_refuses_what_comes_after
        }
    };
    ($open:path => $($name:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let (store, _keep) = $open().await;
                $crate::conformance::$name(store).await;
            }
        )*
    };
}
