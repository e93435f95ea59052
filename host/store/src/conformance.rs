//! What every backend has to do, as functions that any test can call.
//!
//! A backend gives a [`Factory`]; [`conformance_tests!`](crate::conformance_tests) makes a test of each function.
//! They panic where the backend is wrong. Each uses names of its own.
//!
//! Levels:
//! - *every*: for every backend; each batch holds operations of one family.
//! - *atomic*: for those that have [`Capabilities::atomic_batch`](crate::Capabilities); others pass by.
//! - *reopening*: what is there after the store was closed and opened again.

mod batches;
mod blobs;
mod concurrency;
mod cursors;
mod dead_letters;
mod expiry;
mod keys;
mod lanes;
mod leases;
mod log;
mod make;
mod ownership;
mod queues;
mod redelivery;
mod reopening;
mod statistics;
mod timers;
mod values;
mod watching;

use std::sync::Arc;

use async_trait::async_trait;

pub use batches::*;
pub use blobs::*;
pub use concurrency::*;
pub use cursors::*;
pub use dead_letters::*;
pub use expiry::*;
pub use keys::*;
pub use lanes::*;
pub use leases::*;
pub use log::*;
pub use ownership::*;
pub use queues::*;
pub use redelivery::*;
pub use reopening::*;
pub use statistics::*;
pub use timers::*;
pub use values::*;
pub use watching::*;

use crate::Backend;

/// Opens the store that a test works on.
#[async_trait]
pub trait Factory: Send + Sync {
    /// The store: the first time a new one, and then, once it was closed, the same one again.
    async fn open(&self) -> Arc<dyn Backend>;
}

/// Makes a `#[tokio::test]` of each function of the suite. It is given a function that answers a new
/// [`Factory`](crate::conformance::Factory), which lives as long as the test: `fn factory() -> impl Factory`.
#[macro_export]
macro_rules! conformance_tests {
    ($factory:path) => {
        $crate::conformance_tests! { every $factory =>
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
            check_changes_nothing_and_insists
            limits_are_enforced_by_name
            bucket_limit_counts_all_that_is_in_it
            a_bucket_may_have_limits_of_its_own
            buckets_do_not_share_keys
            list_pages_through_keys_in_order
            list_with_prefix_stops_at_its_end
            any_text_is_a_key
            one_of_many_swaps_wins
            concurrent_increments_add_up
            reads_never_go_back
            close_refuses_what_comes_after
            appended_records_are_read_in_order
            pages_of_the_log_go_on_where_they_ended
            pages_of_the_log_are_bounded
            patterns_choose_topics
            records_of_other_topics_are_passed_over
            same_source_and_id_is_stored_once
            duplicates_end_with_their_time
            seek_finds_the_first_record_of_a_moment
            log_limits_are_enforced_by_name
            expire_forgets_the_oldest_of_one_topic
            expired_records_are_still_duplicates
            topics_are_counted
            open_begins_where_it_says_and_only_once
            settling_in_order_moves_the_floor
            settling_out_of_order_is_remembered_above_the_floor
            advance_passes_over_records
            retries_are_kept_until_they_are_done
            late_results_never_touch_a_moved_cursor
            seek_forgets_what_was_settled_and_owed
            removed_cursors_come_back_as_others
            redelivery_brings_its_own_record
            redelivery_takes_back_what_was_settled
            first_message_makes_the_queue
            equal_priority_is_first_in_first_out
            higher_priority_goes_first
            a_lane_that_waited_long_enough_goes_first_once
            delayed_messages_come_when_they_are_due
            lease_is_bounded
            leased_messages_are_whole
            large_messages_are_whole
            ack_removes_and_a_stale_token_is_refused
            a_token_ends_with_its_lease
            a_lease_that_ran_out_gives_the_message_back
            return_gives_a_message_back_later
            return_at_once_keeps_the_place
            extend_moves_the_end_of_a_lease
            fail_removes_and_counts
            size_counts_waiting_and_delayed_messages
            deduplication_ids_answer_the_first_message
            expired_deduplication_ids_are_forgotten
            message_ids_are_unique
            priorities_over_nine_are_refused
            queues_are_counted_as_of_a_moment
            queues_say_when_something_is_due
            one_of_many_leases_has_the_message
            dead_letters_are_listed_by_where_they_came_from
            dead_letters_are_removed_once
            timers_are_listed_by_when_they_are_due
            timers_are_cleared_by_whoever_is_first
            resources_have_one_owner
            tokens_of_owners_rise
            blobs_are_whole
            blobs_are_replaced_and_removed
            head_rises_after_the_commit
            queues_tell_what_may_have_become_ready
            watchers_hear_each_change_in_order
            watchers_that_fall_behind_are_told
        }
        $crate::conformance_tests! { atomic $factory =>
            one_refused_operation_undoes_all_families
            families_are_committed_together
            relaxed_batches_are_seen_once_answered
        }
        $crate::conformance_tests! { reopening $factory =>
            reopening_finds_every_family
            reopening_keeps_leases_and_deduplication
            reopening_forgets_volatile_records
            reopening_never_gives_a_number_twice
        }
    };
    (every $factory:path => $($name:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let factory = $factory();
                let store = $crate::conformance::Factory::open(&factory).await;
                $crate::conformance::$name(store).await;
            }
        )*
    };
    (atomic $factory:path => $($name:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let factory = $factory();
                let store = $crate::conformance::Factory::open(&factory).await;
                if store.capabilities().atomic_batch {
                    $crate::conformance::$name(store).await;
                }
            }
        )*
    };
    (reopening $factory:path => $($name:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $crate::conformance::$name(&$factory()).await;
            }
        )*
    };
}
