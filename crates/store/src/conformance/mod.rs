//! The suite that defines the contract; every backend runs it.
//!
//! A case is a sentence about a store that was empty a moment ago. [`conformance_suite!`] makes a
//! test of each.
//!
//! [`conformance_suite!`]: crate::conformance_suite

#![expect(missing_docs, reason = "the name of a case is the sentence it holds a store to")]

pub mod append;
pub mod codecs;
pub mod devices;
pub mod expire;
pub mod fixtures;
pub mod follow;
pub mod frames;
pub mod isolation;
pub mod latest;
pub mod mirrors;
pub mod people;
pub mod purge;
pub mod random;
pub mod range;
pub mod redecode;
pub mod registry;
pub mod retention;
pub mod revision;
pub mod rows;
pub mod segments;
pub mod sources;
pub mod streams;
pub mod unbound;
pub mod usage;

/// Makes a `#[tokio::test]` of every case of the conformance suite.
///
/// **Shape**: takes an expression that is evaluated anew for every case, to a future of a fresh
/// `Arc<dyn Store>` and a guard that lives as long as the case does, such as its folder. Needs
/// `tokio` with `macros` and `rt` among the caller's own dependencies.
///
/// **Example**
/// ```
/// use std::sync::Arc;
///
/// async fn fresh() -> (Arc<dyn store::Store>, ()) {
///     (Arc::new(store::Reference::new()), ())
/// }
///
/// store::conformance_suite!(fresh());
/// ```
#[macro_export]
macro_rules! conformance_suite {
    ($make:expr) => {
        $crate::conformance_suite! { @cases $make;
            registry {
                an_organization_reads_back_and_its_id_is_taken
                lists_organizations_by_id_in_pages
                a_renamed_organization_keeps_everything_else
                an_access_key_reads_back
                what_narrows_a_key_reads_back_and_outlives_its_groups
                refuses_a_key_of_an_unknown_organization_or_with_a_taken_id
                the_first_revocation_of_a_key_keeps_its_time
                charges_add_up_and_the_last_use_moves_only_forward
                charges_of_keys_that_are_not_there_are_passed_over
                groups_list_in_the_order_they_were_created
                refuses_a_group_name_that_is_taken
                refuses_more_than_fifty_groups
                deleting_a_group_moves_its_devices_to_the_default_one
                moves_devices_to_a_group_all_or_none
            }
            usage {
                limits_read_back_and_are_lifted
                usage_is_told_apart_by_day_key_endpoint_and_device
                devices_are_told_apart_up_to_a_bound
                usage_is_kept_of_the_newest_days
                never_more_is_drawn_than_allowed
                what_was_charged_before_anything_was_drawn_counts
                um_is_counted_by_the_day_that_uplinks_were_received_on
                um_is_kept_of_the_newest_days
            }
            retention {
                nothing_is_said_until_somebody_does
                what_is_said_reads_back_until_it_is_taken_back
                what_a_group_says_goes_with_the_group
                refuses_what_is_said_of_somebody_elses_group
                histories_are_listed_with_their_groups_unbound_ones_too
            }
            revision {
                a_revision_is_never_the_same_again_after_a_change
                a_revision_stays_while_nothing_happens
            }
            devices {
                a_bound_device_reads_back
                refuses_to_bind_twice_or_into_what_is_not_there
                an_unbound_device_is_hidden_and_comes_back_with_its_id_and_history
                an_unbound_device_is_remembered_until_it_is_bound_again
                another_organization_gets_another_device_id
                lists_devices_by_eui_in_pages_and_by_filter
                a_change_changes_what_it_names_and_nothing_else
                a_change_may_move_a_device_into_a_group_that_is_there
                a_report_cycle_is_set_on_all_devices_or_none
                refuses_more_devices_of_a_model_than_are_allowed
                a_channel_is_described_anew
                a_channel_map_reads_back_until_the_device_is_bound_again
            }
            sources {
                a_source_is_found_by_its_token_until_it_is_deleted
                a_change_of_a_source_changes_what_it_names
                a_token_that_gave_way_is_found_until_the_next_one_does
                a_token_that_any_source_has_or_had_before_is_taken
                rules_about_models_read_back_in_their_order
                what_sources_bring_adds_up_and_their_times_move_only_forward
                a_broker_is_a_sources_until_it_is_removed_or_the_source_is
                keeps_how_devices_are_reached
            }
            codecs {
                a_codec_reads_back_by_its_model_in_any_case
                each_change_of_a_codec_is_a_version_that_never_comes_again
                a_codec_is_its_organizations_alone
                an_organization_has_a_bounded_number_of_codecs
            }
            mirrors {
                a_mirror_reads_back_as_it_was_set_last
                a_mirror_is_its_organizations_alone
                an_account_is_mirrored_once_and_a_bounded_number_of_them
            }
            unbound {
                what_is_kept_reads_back_in_its_order
                an_uplink_is_kept_once_a_day
                refuses_to_keep_what_has_a_place_or_none
                a_bound_device_is_adoptable_until_it_is_settled
                a_forgotten_device_begins_anew
                a_deleted_source_takes_along_what_it_brought
                the_oldest_uplinks_of_a_device_make_room
                the_oldest_uplinks_of_a_source_make_room
                the_device_silent_for_longest_makes_room
            }
            people {
                an_invite_reads_back_until_it_is_deleted_or_expires
                an_invite_makes_one_person_of_its_organization
                an_invite_founds_an_organization
                an_invite_that_cannot_be_accepted_stays
                people_read_back_by_address_and_list_by_it
                refuses_a_person_with_a_taken_id_or_address
                a_change_of_a_person_changes_what_it_names
                an_organization_keeps_at_least_one_owner
                a_session_reads_back_with_its_person_until_it_ends
                sessions_expire_by_their_last_use
                another_password_ends_all_sessions_but_one
                a_removed_persons_sessions_end
                deeds_are_listed_backwards_in_pages
            }
            streams {
                a_reader_of_a_stream_reads_back_until_it_is_forgotten
                a_reader_moves_only_forward
                a_reader_expires_when_it_has_been_away_for_too_long
                refuses_more_readers_than_an_organization_may_have
                the_same_name_in_two_organizations_is_two_readers
                a_retained_message_takes_the_place_of_the_one_of_its_topic
                refuses_more_retained_messages_than_an_organization_may_have
            }
            append {
                later_entries_of_a_device_have_higher_positions
                an_empty_batch_changes_nothing
                a_duplicate_is_answered_with_the_firsts_position_and_changes_nothing
                a_duplicate_inside_one_batch_is_found
                of_two_callers_with_the_same_uplink_one_brought_the_duplicate
                many_callers_at_once_lose_and_mix_nothing
                when_the_caller_goes_away_its_batch_is_there_or_not
                a_key_is_remembered_for_24_hours_and_not_a_millisecond_longer
                a_duplicate_does_not_prolong_the_24_hours
                a_clock_that_stepped_back_still_finds_the_duplicate
                equal_keys_of_two_devices_are_two_uplinks
                equal_rows_under_other_keys_are_kept_but_count_once_in_answers
                um_counts_the_readings_of_uplinks_but_no_statuses
                last_heard_is_when_the_newest_uplink_was_received
                an_entry_over_a_limit_refuses_the_whole_batch
                the_largest_entries_within_the_limits_read_back
            }
            latest {
                a_device_without_data_answers_nothing
                the_newest_is_so_by_the_devices_clock_not_by_arrival
                of_one_instant_the_highest_position_wins
                inside_an_uplink_the_last_reading_of_an_instant_wins
                every_series_has_its_own_newest_reading
                selects_statuses_apart_from_readings_and_by_channel_and_measurement
                a_reading_may_change_between_number_text_and_json
                a_long_silent_series_keeps_its_newest_reading
            }
            range {
                points_come_newest_first_and_series_ascend
                the_limit_takes_the_newest_points_over_all_series
                when_the_limit_cuts_an_instant_the_lower_series_come_first
                an_instant_of_several_uplinks_is_cut_by_series_too
                a_window_holds_its_start_and_not_its_end
                late_rows_stand_where_they_were_measured
                a_replaced_reading_counts_neither_as_point_nor_against_the_limit
                selects_one_series_or_the_statuses
                times_before_1970_and_far_ahead_are_times_like_others
                a_limit_may_be_as_large_as_a_number_can_be
                pages_backwards_reach_every_point_once
            }
            rows {
                a_row_has_both_clocks_position_codec_and_flags
                every_value_reads_back_to_the_last_bit
                readings_of_a_row_ascend_and_of_one_series_the_last_stays
                an_uplink_without_rows_leaves_an_empty_one_at_the_time_it_was_received
                rows_come_newest_first_by_time_and_position
                rows_of_one_uplink_and_instant_keep_their_order
            }
            segments {
                a_bucket_has_count_average_and_extremes
                buckets_are_aligned_to_the_epoch_and_cut_by_the_window
                times_before_1970_fall_into_buckets_below_zero
                refuses_more_buckets_than_the_limit_and_widths_that_are_none
                what_is_no_number_is_left_out
                each_instant_counts_once_with_the_reading_of_the_highest_position
                sums_are_added_in_the_order_of_time
                many_rows_fill_their_buckets
            }
            redecode {
                hides_all_earlier_rows_cells_that_are_now_absent_included
                its_rows_name_the_uplink_they_replace
                a_second_new_decoding_hides_the_first
                decodings_are_those_up_to_a_position
                without_rows_it_leaves_an_empty_one
                rows_may_move_in_time
                a_reading_that_was_covered_shows_again
                the_latest_reading_is_found_far_back
                an_old_uplink_among_many_is_decoded_again
                the_raw_frame_stays_as_it_was
                followers_see_it_as_an_entry_of_its_own
            }
            frames {
                a_frame_reads_back_with_all_that_came_with_it
                frames_are_found_by_when_they_were_received_newest_position_first
                an_uplink_that_came_without_bytes_has_no_frame
            }
            follow {
                what_was_appended_is_followed_as_it_was
                reads_on_page_by_page_to_the_end
                nothing_is_skipped_when_nothing_is_asked_for
                one_organizations_follower_gets_its_entries_and_passes_over_others
                an_empty_log_ends_where_it_starts
                entries_come_in_the_order_of_positions
                duplicates_are_not_followed
                the_head_is_the_last_position_and_waiting_ends_behind_it
            }
            expire {
                rows_measured_before_are_gone_and_counted
                the_latest_reading_of_a_silent_series_goes_with_its_row
                many_rows_are_cut_exactly_where_the_time_says
                what_arrives_afterwards_is_kept_however_old
                frames_received_before_are_gone_and_rows_stay
                it_keeps_to_its_device_and_organization
                counters_and_duplicates_remember_what_has_expired
                hidden_rows_expire_too_and_never_come_back
            }
            purge {
                nothing_of_the_device_is_left
                the_log_forgets_it_and_keeps_the_others
                what_was_uploaded_stays_counted
                the_device_stays_bound_and_starts_anew
                an_unbound_device_is_erased_too_and_keeps_its_id
                purging_what_is_not_there_erases_nothing
            }
            isolation {
                the_same_eui_in_two_organizations_is_two_devices
                readings_under_another_organizations_device_id_are_not_to_be_had
                a_new_decoding_hides_nothing_of_another_device
                anothers_devices_answer_as_unknown
                anothers_groups_answer_as_unknown
                anothers_keys_and_sources_answer_as_unknown
                anothers_people_invites_and_sessions_answer_as_unknown
            }
        }
    };
    (@cases $make:expr; $($file:ident { $($case:ident)* })*) => {
        $(
            mod $file {
                #[allow(unused_imports)]
                use super::*;

                $(
                    #[::tokio::test]
                    async fn $case() {
                        let (store, guard) = $make.await;
                        $crate::conformance::$file::$case(&*store).await;
                        drop(store);
                        drop(guard);
                    }
                )*
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    /// Holds the list in the macro against the files.
    #[test]
    fn no_case_is_left_out_of_the_suite() {
        let suite = include_str!("mod.rs");
        let files = [
            include_str!("registry.rs"),
            include_str!("devices.rs"),
            include_str!("sources.rs"),
            include_str!("codecs.rs"),
            include_str!("unbound.rs"),
            include_str!("people.rs"),
            include_str!("streams.rs"),
            include_str!("append.rs"),
            include_str!("latest.rs"),
            include_str!("range.rs"),
            include_str!("rows.rs"),
            include_str!("segments.rs"),
            include_str!("redecode.rs"),
            include_str!("frames.rs"),
            include_str!("follow.rs"),
            include_str!("expire.rs"),
            include_str!("purge.rs"),
            include_str!("isolation.rs"),
            include_str!("usage.rs"),
            include_str!("retention.rs"),
            include_str!("revision.rs"),
        ];
        for case in files.iter().flat_map(|file| file.split("pub async fn ").skip(1)) {
            let name = case.split('(').next().expect("split gives at least one part");
            assert!(suite.contains(&format!("                {name}\n")), "`{name}` is not in the suite");
        }
    }
}
