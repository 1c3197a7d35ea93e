"""20.1: every row of the conversion tables has tests, and these are they. Who removes or renames one is told here.

A row names its tests as `file name`, without `test_`, the section's number, and `.py`: that a test begins with the number of
the section it covers is part of what is checked. Rows of the tables come first, then the rules that stand below them.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SHORT = {
    "A": "anthropic/test_",
    "C": "openai_chat/test_",
    "G": "gemini/test_",
    "R": "openai_responses/test_",
}

ROWS: dict[str, dict[str, str]] = {
    "1.2": {
        "same protocol: only what is named changes": "splice only_the_named_member_changes; splice every_other_byte_stays",
        "same protocol: the answer passes byte for byte": "pipe a_tee_passes_every_byte_under_any_slicing",
    },
    "1.3": {
        "deterministic": "pairs_requests the_same_request_gives_the_same_bytes",
        "strings pass exactly": "json_codec lone_surrogates_become_the_replacement_character",
    },
    "2.1": {
        "chat": "C/parse_turns leading_system_and_developer_messages_are_system_texts;"
        " C/parse_turns later_system_messages_stay_in_place;"
        " C/parse_turns an_uninterrupted_run_of_tool_messages_is_one_user_turn;"
        " C/parse_turns legacy_function_calls_get_an_id_and_their_results_find_them;"
        " C/parse_turns names_of_users_are_kept_and_of_leading_system_texts_dropped",
        "responses": "R/parse instructions_are_the_first_system_text; R/parse_items a_string_is_one_user_text;"
        " R/parse_items the_type_of_a_message_may_be_left_out;"
        " R/parse_items neighbouring_items_of_the_assistant_are_one_turn_and_neighbouring_results_are;"
        " R/parse_items leading_system_and_developer_messages_are_system_texts_and_later_ones_stay_in_place",
        "anthropic": "A/parse system_is_a_text_or_text_blocks; A/parse_turns system_messages_stay_in_place;"
        " A/parse_turns a_mid_conv_system_block_splits_its_message",
        "gemini": "G/parse system_instruction_in_every_form; G/parse_turns roles; G/names names_become_camel_case;"
        " G/parse_turns a_missing_role_is_the_user",
        "names of messages": "A/build_turns a_name_on_a_message_is_dropped_with_a_warning;"
        " R/build_items names_of_messages_are_dropped",
    },
    "2.2": {
        "anthropic": "pairs_turns leading_system_texts; pairs_turns a_later_system_message_stays_in_place;"
        " pairs_turns a_history_that_the_assistant_begins; A/build_turns a_late_system_message_may_be_native_or_hoisted;"
        " pairs_turns neighbours_of_one_role_are_merged_where_roles_must_alternate",
        "chat": "pairs_turns leading_system_texts; pairs_turns a_later_system_message_stays_in_place;"
        " C/build_turns a_profile_may_ask_for_developer; C/build_turns neighbours_of_one_role_are_not_merged",
        "responses": "pairs_turns leading_system_texts; pairs_turns a_later_system_message_stays_in_place",
        "gemini": "pairs_turns leading_system_texts; pairs_turns a_later_system_message_stays_in_place;"
        " G/build_turns starts_and_ends_with_the_user_and_merges_neighbours;"
        " pairs_turns a_history_that_the_assistant_begins",
        "the attribution line": "pairs_turns claude_codes_attribution_line_goes_to_anthropic_only",
        "system and no message": "A/build_turns system_text_without_a_message_is_the_only_user_message;"
        " G/build_turns system_alone_is_the_message_and_nothing_is_refused;"
        " R/build_items without_a_turn_the_system_texts_are_the_input",
        "empty text": "A/build_blocks text_without_words_is_left_out;"
        " A/build_turns empty_messages_are_dropped_before_neighbours_are_merged;"
        " C/build_turns empty_system_texts_are_left_out",
        "white space of a prefill": "A/build_turns the_white_space_at_the_end_of_a_prefill_is_stripped_and_nowhere_else",
    },
    "3": {
        **dict.fromkeys(
            (
                "text",
                "image, base64",
                "image, url",
                "detail",
                "PDF, base64",
                "PDF, url",
                "plain text",
                "audio",
                "video",
            ),
            "pairs_content each_part_from_each_client_to_each_provider",
        ),
        "file by id": "pairs_content each_part_from_each_client_to_each_provider;"
        " A/build_blocks a_file_of_another_owner_is_a_400",
        "detail original": "C/build_parts detail_original_is_sent_as_high",
        "video of a vendor": "C/build_parts video_is_a_vendors_convention",
        "data URLs": "pairs_content a_data_url_that_is_not_base64_is_encoded;"
        " data_url a_data_url_is_read_and_one_that_is_not_base64_is_encoded",
        "four image types": "A/build_blocks images_of_four_types; A/build_blocks another_image_type_is_a_400_that_names_it",
        "a bare string": "pairs_content a_bare_string_instead_of_an_image_object_is_understood",
        "never dropped": "C/build_parts what_cannot_be_sent_is_a_400_and_never_dropped;"
        " R/build_items what_has_no_place_is_refused; G/build_parts what_was_not_fetched_or_is_kept_elsewhere_is_refused;"
        " A/build_blocks audio_and_video_are_a_400",
        "title and context": "pairs_content an_anthropic_documents_title_and_context_stand_before_it_elsewhere",
        "search results": "pairs_content a_search_result_is_text_elsewhere",
        "pictures in answers": "C/content images_of_an_answer; R/items a_picture; R/writer a_picture_is_an_item;"
        " A/writer a_picture_is_a_text_block_naming_type_and_size; G/reader other_parts",
        "code that Gemini ran": "pairs_content code_that_gemini_ran_is_fenced_text_elsewhere;"
        " G/parse_parts steps_of_the_provider_are_fenced_text",
    },
    "3.1": {"which addresses are fetched": "turns images_by_url_are_listed_for_those_who_ask"},
    "4.1": {
        **dict.fromkeys(
            ("wrapper", "name", "description", "schema"), "pairs_tools wrapper_name_description_and_schema"
        ),
        "strict": "pairs_tools strict; R/build strict_is_always_sent; A/build_tools strict_is_sent_only_if_set",
        "no schema": "pairs_tools a_tool_without_schema",
        "root": "pairs_tools a_root_that_is_no_object_becomes_one;"
        " json_schema a_root_all_of_requires_what_any_branch_requires;"
        " json_schema a_root_union_is_merged_and_requires_what_all_branches_require",
        "Gemini's own form": "pairs_tools geminis_own_schema_form_is_understood;"
        " G/openapi types_become_lower_case_at_every_depth; G/openapi a_property_named_type_is_left_alone;"
        " G/openapi nullable_becomes_a_type_list_or_a_branch; G/openapi numbers_in_strings_become_integers",
        "two of one name": "pairs_tools of_two_tools_with_one_name_the_first_is_kept",
        "calls without tools": "tools calls_without_tools_get_stubs_for_anthropic",
        "Anthropic's extras": "pairs_tools what_only_anthropics_tools_have_is_left_out_elsewhere;"
        " A/build_tools extras_of_its_own_protocol_are_kept_and_of_others_are_not",
    },
    "4.2": {
        **dict.fromkeys(
            ("chat, responses", "anthropic", "gemini"),
            "pairs_tools a_name_is_made_legal_for_each_provider; pairs_tools the_longest_name_of_each_provider",
        ),
        "collisions": "tools a_collision_is_settled_by_a_hash_and_never_against_a_legal_name",
        "applied alike": "tools names_are_mapped_in_definitions_history_and_choice_alike",
        "reversed": "restore the_client_sees_its_own_names",
        "legal names stay": "tools an_illegal_name_is_made_legal_and_a_legal_one_stays",
    },
    "4.3": {
        "custom": "pairs_tools a_custom_tool; restore a_custom_call_comes_back_as_free_text_in_one_piece;"
        " tools a_custom_tool_travels_as_a_function_of_one_string; C/writer a_custom_call_is_written_natively",
        "namespace": "pairs_tools a_namespace; R/writer a_namespace_is_restored;"
        " R/parse_tools a_tool_declared_directly_wins_over_one_of_a_namespace",
        "hosted": "pairs_tools hosted_tools_are_dropped_elsewhere_and_named;"
        " pairs_tools a_choice_of_a_hosted_tool_is_refused_elsewhere",
        "schema-less tools of the client": "pairs_tools"
        " tools_that_the_client_runs_without_a_schema_are_refused_elsewhere",
        "hosted and functions on Gemini 2": "G/build_tools functions_win_over_hosted_tools_before_gemini_3",
    },
    "4.4": {
        **dict.fromkeys(
            "references|removed keywords|const|enum of strings|enum with others|type with null|several types"
            "|union with null|oneOf|allOf|keywords that cannot be enforced|additionalProperties|exclusive bounds"
            "|multipleOf, uniqueItems|bounds that stay|format|array without items|tuples|required|boolean schemas"
            "|empty nested object".split("|"),
            "G/schema each_keyword; G/schema every_keyword_has_a_fixture",
        ),
        "format": "G/schema every_format_that_stays_has_a_fixture; G/schema each_keyword",
        "root without properties": "G/build_tools a_root_without_properties_is_left_out",
        "a copy": "G/schema the_schema_given_is_not_changed_and_what_is_lost_is_named",
        "idempotent": "G/schema cleaning_is_idempotent_and_leaves_nothing_refused",
    },
    "4.5": {
        "chat, responses": "pairs_tools a_strict_schema_passes_unchanged_between_openais_protocols;"
        " pairs_tools below_its_root_a_schema_passes_as_it_is",
        "anthropic tools": "pairs_tools below_its_root_a_schema_passes_as_it_is",
        "anthropic strict": "pairs_tools a_strict_schema_is_closed_for_anthropic;"
        " json_schema objects_are_closed_and_unenforceable_keywords_become_words;"
        " json_schema known_string_formats_stay",
    },
    "5": {
        **dict.fromkeys(
            ("auto", "none", "required", "one tool", "subset"),
            "pairs_tools each_choice_from_each_client_to_each_provider",
        ),
        "VALIDATED is auto": "G/parse_tools tool_choice",
        "absent": "pairs_tools absent_stays_absent_and_no_choice_goes_without_tools",
        "parallel": "pairs_tools one_call_at_a_time; A/build_tools calls_one_at_a_time",
        "undeclared": "pairs_tools a_choice_that_names_an_undeclared_tool_is_refused",
    },
    "6": {
        "call": "pairs_turns a_call_and_its_result; R/build_items calls_and_results_are_items_without_ids_of_their_own",
        "result": "pairs_turns a_call_and_its_result; A/parse_turns results_learn_the_name_of_their_tool",
    },
    "6.1": {
        "id charset": "pairs_turns an_id_is_legal_and_the_same_on_call_and_result",
        "legal or made legal": "history an_id_is_copied_when_legal_and_made_legal_else",
        "Gemini's answers": "G/reader made_ids_differ_from_answer_to_answer_and_not_from_replay_to_replay",
        "Gemini's history": "G/ids made_ids_are_the_same_in_a_longer_history;"
        " G/ids parallel_calls_of_one_name_are_answered_first_in_first_out; G/ids explicit_ids_win_first",
    },
    "6.2": {
        "text and object": "pairs_turns arguments_keep_their_numbers_and_their_order;"
        " history a_text_is_kept_and_an_object_is_written_compactly",
        "no object": "pairs_turns arguments_that_are_no_object_are_not_lost",
        "numbers": "history big_integers_and_floats_survive_both_ways; json_codec integers_of_any_size_survive",
    },
    "6.3": {
        "text": "A/build_blocks results; R/build_items results; G/build_parts text_is_wrapped_and_never_parsed;"
        " C/build_turns results_are_tool_messages_and_other_content_follows_them",
        "is_error": "pairs_turns an_error_says_so; C/build_turns an_error_says_so",
        "image": "pairs_turns a_picture_in_a_result;"
        " C/build_turns pictures_of_a_run_of_results_go_into_one_user_message_behind_it;"
        " G/build_parts media_stand_inside_for_gemini_3_and_behind_for_earlier_models",
        "document": "C/build_turns pictures_of_a_run_of_results_go_into_one_user_message_behind_it;"
        " R/build_items results; A/build_blocks results;"
        " G/build_parts media_stand_inside_for_gemini_3_and_behind_for_earlier_models",
        "a JSON string": "pairs_turns a_json_string_stays_the_string_it_is",
        "a Gemini client's response": "pairs_turns a_gemini_clients_response_object; G/parse_parts responses",
        "order": "pairs_turns results_stand_behind_their_calls_in_call_order; history 1_results_stand_first_and_in_call_order",
        "parallel calls of responses": "R/parse_items calls_with_an_output_between_are_two_turns",
        "orphans": "pairs_turns a_result_without_call_becomes_text; pairs_turns a_call_without_result_is_given_one",
        "two results": "pairs_turns of_two_results_for_one_call_the_last_counts",
        "text behind a call": "pairs_turns text_behind_a_call_in_one_message",
    },
    "7.1": {
        **dict.fromkeys(
            ("none", "minimal", "low", "medium", "high", "xhigh", "max"),
            "levels each_level_has_a_budget; levels a_number_stands_for_a_level_up_to_its_border",
        ),
        "nearest lower": "levels a_missing_level_goes_to_the_nearest_lower_one",
        "chat": "C/parse reasoning_is_read_in_every_spelling; C/build reasoning_effort_is_written;"
        " C/build a_profile_may_choose_enable_thinking; C/build a_profile_may_choose_nothing",
        "responses": "R/parse reasoning; R/reasoning levels",
        "anthropic": "A/parse reasoning_is_read",
        "gemini": "G/parse thinking_config; G/thinking level_or_budget_never_both",
        "all pairs": "pairs_options each_level_from_each_client_to_each_provider;"
        " pairs_options a_budget_is_a_level_where_there_are_levels; pairs_options reasoning_that_is_switched_off",
        "nothing said": "pairs_options nothing_said_is_nothing_sent",
        "models that do not reason": "C/build a_model_that_does_not_reason_gets_no_effort;"
        " R/reasoning models_that_do_not_reason_are_asked_for_none; G/thinking a_model_that_does_not_reason_is_told_nothing",
    },
    "7.2": {
        **dict.fromkeys(
            ("adaptive only", "adaptive", "budget"),
            "A/thinking a_level_on_each_class; A/thinking a_budget_on_each_class; models a_claude_is_judged_by_its_name",
        ),
        "others": "A/thinking a_model_that_does_not_reason_drops_it",
        "least budget": "A/thinking a_budget_is_1024_at_least",
        "less than max_tokens": "A/thinking a_budget_is_less_than_max_tokens; A/build max_tokens_leaves_room_for_a_budget;"
        " A/thinking no_room_for_the_least_budget_drops_thinking",
        "sampling": "A/thinking with_thinking_the_sampling_is_fixed;"
        " A/thinking the_newest_models_take_no_sampling_at_all",
        "forced choice": "A/thinking a_forced_tool_choice_wins_over_thinking",
        "running tool loop": "A/thinking a_running_tool_loop_without_signed_thinking_drops_it;"
        " A/thinking a_running_tool_loop_with_signed_thinking_keeps_it",
    },
    "7.3": {
        "chat": "C/writer thinking_is_reasoning_content; C/content thinking_is_read_in_every_spelling_and_once",
        "responses": "R/writer thinking_can_be_left_out; R/output summary_parts_are_one_block",
        "anthropic": "A/writer thinking_is_shown_only_to_a_client_that_asked_and_costs_no_number",
        "gemini": "G/writer thinking_is_shown_only_to_those_who_ask",
        "think tags": "C/reader the_profile_turns_think_tags_on; thinking_tags only_tags_at_the_very_start_are_split_off",
    },
    "7.4": {
        **dict.fromkeys(
            ("anthropic", "responses", "gemini"),
            "pairs_tokens the_second_request_carries_the_providers_token_unchanged;"
            " pairs_tokens how_a_token_is_written_for_each_client",
        ),
        "chat": "pairs_tokens thinking_without_a_token_is_marked_and_goes_back_to_nobody;"
        " pairs_tokens how_a_token_is_written_for_each_client",
        "the envelope": "envelope what_is_sealed_comes_out_unchanged; envelope a_damaged_envelope_is_a_mark_without_payload;"
        " G/tokens foreign_tokens_travel_as_base64_of_their_envelope",
        "foreign tokens": "pairs_tokens a_token_is_never_sent_to_another_provider",
        "same protocol": "strip an_envelope_is_unwrapped_for_anthropic_or_its_block_goes;"
        " strip an_envelope_is_unwrapped_for_responses_or_its_item_goes; strip gemini_is_stripped_by_its_own_rules",
        "Gemini's placeholder": "G/build_turns gemini_3_gets_the_placeholder_on_the_first_call_of_each_step",
        "other spellings": "C/reasoning_details every_known_spelling_is_read;"
        " C/reasoning_details geminis_signature_on_a_call_is_read",
        "the cache": "pairs_tokens what_a_client_forgot_is_remembered_by_the_id_of_its_call;"
        " memory the_least_recently_used_is_forgotten_first; memory a_day_later_it_is_forgotten",
        "thought text": "C/build_turns reasoning_text_goes_back_only_where_the_profile_says_so",
        "the retry": "strip for_the_retry_all_thinking_goes; strip for_the_retry_chat_loses_every_spelling_of_reasoning;"
        " strip for_the_retry_all_reasoning_items_go_and_what_they_led_to_loses_its_id",
    },
    "8": {
        **dict.fromkeys(
            ("text", "json_object", "json_schema"), "pairs_options each_format_from_each_client_to_each_provider"
        ),
        "older places": "pairs_options other_places_of_a_schema_are_read",
        "models without it": "prepare models_without_it_are_forced_to_a_tool_that_becomes_text;"
        " prepare with_thinking_or_other_tools_the_schema_is_put_in_words",
        "Gemini 2 with functions": "G/build before_gemini_3_json_beside_functions_is_asked_for_in_words",
        "verbosity": "pairs_options verbosity_passes_between_openais_two_protocols",
        "enum": "G/parse structured_output; G/writer an_enum_is_unquoted",
    },
    "9": {
        **dict.fromkeys(
            "max tokens|temperature|top_p|top_k|stop|penalties|seed|logprobs|logit_bias".split("|"),
            "pairs_options each_field_from_each_client_to_each_provider; pairs_options limits_of_each_provider",
        ),
        "n": "pairs_options more_than_one_answer",
        "stream": "pairs_options stream_is_asked_for_where_it_stands_in_the_body;"
        " C/build usage_is_always_asked_for_in_a_stream",
        "no default": "pairs_options no_default_is_invented_but_anthropics_max_tokens;"
        " A/build max_tokens_defaults_to_the_models_limit_and_is_lowered_to_it",
        "name of max tokens": "C/build max_tokens_has_the_name_that_the_model_takes; C/parse the_newer_name_of_max_tokens_wins",
        "16 at least": "R/build values_below_16_are_raised",
        "temperature and top_p": "A/build top_p_gives_way_to_temperature",
        "usage shown": "C/parse stream_and_its_usage",
    },
    "10": {
        "cache_control": "pairs_options a_cache_mark_goes_to_anthropic_and_nowhere_else;"
        " A/build at_most_four_cache_marks_are_sent; A/cache surplus_marks_are_dropped_from_the_front_of_the_prompt;"
        " C/parse_turns a_message_level_cache_mark_goes_to_the_last_part",
        "user": "pairs_options the_users_id_is_copied_or_hashed;"
        " A/build a_user_id_that_is_not_legal_is_replaced_by_its_hash",
        "prompt_cache_key": "pairs_options the_cache_key",
        "fields of one protocol": "pairs_options fields_of_one_protocol_go_nowhere_else;"
        " pairs_options a_spoken_answer_is_refused_elsewhere",
        "references": "pairs_options what_only_its_own_provider_can_resolve_is_refused",
    },
    "11": {
        **dict.fromkeys(
            "stop|stop_sequence|length|tool_calls|content_filter|refusal|pause|other".split("|"),
            "pairs_endings each_reason_of_each_provider_for_each_client",
        ),
        "written": "A/writer stop_reasons; C/writer finish_reasons; R/response status; G/writer stop_reasons",
        "calls over the whole stream": "C/reader a_call_makes_stop_into_tool_calls_over_the_whole_stream;"
        " G/reader finish_reasons; A/reader a_call_turns_only_a_plain_stop_into_tool_calls",
        "hosted calls": "A/reader hosted_calls_do_not_count; R/reader hosted_calls_do_not_count",
        "failed answers": "G/reader a_failed_answer_is_an_error_while_nothing_was_said",
        "blocked prompts": "pairs_endings a_blocked_prompt_is_an_empty_answer",
    },
    "12": {
        **dict.fromkeys(
            "input_total|cache_read|cache_write|output_total|reasoning|total".split("|"),
            "pairs_endings every_count_of_each_provider_for_each_client;"
            " pairs_endings a_stream_tells_the_same_counts_at_its_end",
        ),
        "writing": "A/usage writing_takes_the_caches_out_of_the_input; G/usage writing_takes_thoughts_out_of_the_candidates",
        "details": "R/usage details_are_always_written; C/usage details_are_written_only_if_known_and_zeros_for_what_is_not",
        "cumulative": "events later_values_replace_field_by_field_and_absent_ones_erase_nothing; events values_are_never_added_up;"
        " A/usage later_numbers_replace_earlier_ones_field_by_field",
        "reasoning apart": "C/usage reasoning_counted_beside_completion_tokens_is_added",
        "vendors": "C/reader groqs_usage_is_read;"
        " C/reader running_usage_on_every_chunk_is_read_and_an_unchanged_one_is_not_said_again",
        "none at all": "pairs_endings no_usage_at_all_is_zeros",
    },
    "13": {
        "chat": "C/writer a_whole_answer; C/writer content_is_null_beside_calls_and_else_a_string",
        "responses": "R/writer a_whole_answer; R/response the_request_is_repeated; R/response a_response_that_begins;"
        " R/items the_last_item_of_an_answer_that_was_cut_says_so",
        "anthropic": "A/writer a_whole_answer; A/writer the_input_of_a_call_is_always_an_object",
        "gemini": "G/writer everything_in_source_order; G/writer an_empty_answer_is_whole",
        "citations": "A/reader web_citations_are_read_and_others_are_not; C/content url_citations_are_read;"
        " R/items citations_are_annotations_of_their_text; G/writer citations_are_grounding_in_the_last_chunk;"
        " G/reader web_citations_come_once",
    },
    "14.1": {
        "line ends and slices": "sse any_slicing_gives_the_same_frames; sse every_kind_of_line_end_ends_a_line;"
        " sse fields_are_read_as_the_standard_says; sse a_last_frame_without_its_blank_line_counts",
        "forms": "A/reader the_forms_of_sse_make_no_difference; C/reader harmless_differences_of_form;"
        " R/reader harmless_differences_of_form; G/reader data_over_several_lines_and_no_last_blank_line",
        "unknown events": "A/reader unknown_events_and_strange_shapes_are_ignored; R/reader unknown_events_are_counted",
        "unreadable": "A/reader two_unreadable_frames_are_skipped_and_three_in_a_row_are_an_error;"
        " C/reader unreadable_frames_are_skipped_and_three_in_a_row_are_an_error;"
        " R/reader unreadable_frames_are_skipped_and_three_in_a_row_are_an_error;"
        " G/reader unreadable_frames_are_skipped_until_the_third_in_a_row",
        "32 MB": "sse a_frame_of_32_mb_is_read_and_a_longer_one_is_refused",
    },
    "14.2": {
        "chat": "C/writer a_stream_byte_for_byte; C/writer usage_only_if_asked_for;"
        " C/writer calls_are_numbered_from_0_whatever_their_block"
    },
    "14.3": {
        "anthropic": "A/writer the_bytes_of_a_short_answer; A/writer everything_in_order;"
        " A/writer a_call_without_arguments_sends_an_empty_object;"
        " A/writer message_delta_waits_for_the_end_and_has_the_late_usage;"
        " A/writer an_answer_without_content_has_start_delta_and_stop"
    },
    "14.4": {
        "opening and end": "R/writer the_events_of_a_text; R/writer the_terminal_event_waits_for_the_end",
        "message": "R/items a_message_byte_for_byte",
        "reasoning": "R/items reasoning_with_a_summary",
        "function, custom": "R/items calls",
        "refusal": "R/items a_message_with_a_refusal_behind_its_text",
        "numbers": "R/writer no_order_of_events_breaks_the_grammar",
    },
    "14.5": {
        "gemini": "G/writer a_call_is_one_part_and_interleaved_fragments_wait; G/array frames_become_elements;"
        " G/writer nothing_is_sent_before_the_first_content"
    },
    "14.6": {
        "interleaved calls": "sequence the_lowest_open_call_streams_live_and_the_next_one_waits;"
        " sequence a_complete_call_is_closed_when_another_starts; A/writer interleaved_calls_are_made_sequential;"
        " R/writer interleaved_calls_come_one_after_another",
        "a closed block": "sequence a_fragment_for_a_closed_block_is_dropped_and_counted",
        "late id or name": "C/calls a_call_waits_until_id_and_name_are_known;"
        " C/calls a_call_whose_name_never_comes_is_dropped_and_counted;"
        " C/calls an_id_that_never_comes_is_made_the_same_in_every_replay",
        "sent again": "C/calls id_and_name_sent_again_count_once;"
        " C/calls a_new_id_with_a_name_is_a_new_call_whatever_the_index",
        "switch of kind": "C/content a_switch_of_kind_closes_the_open_block; C/content empty_deltas_open_no_block;"
        " C/content white_space_between_thinking_and_a_call_is_dropped",
    },
    "14.7": {
        "finish, then close": "C/reader a_close_after_the_finish_is_a_normal_end",
        "no finish_reason": "C/reader done_without_a_finish_reason_ends_an_answer_with_content",
        "close in the middle": "pipe_wires wherever_a_stream_is_cut_it_never_looks_complete;"
        " wires a_stream_that_ends_before_its_terminal_event_is_broken; A/reader a_cut_stream_is_never_a_whole_answer;"
        " C/reader a_connection_that_closes_without_finish_and_done_is_broken;"
        " R/reader a_stream_without_its_terminal_event_is_broken; G/reader a_stream_without_finish_reason_is_broken",
        "arguments cut": "A/writer arguments_cut_by_max_tokens_are_not_patched_up;"
        " C/reader arguments_cut_by_max_tokens_stay_as_they_came; R/writer arguments_that_were_cut_are_not_patched_up;"
        " G/writer arguments_cut_by_max_tokens_are_not_patched_up",
        "heartbeat": "pipe_wires heartbeats_between_any_slices_leave_the_grammar_whole; pipe a_silent_provider_is_a_timeout;"
        " A/writer a_heartbeat_is_a_ping_after_message_start; wire a_keep_alive_is_one_whole_frame_and_gemini_has_none",
    },
    "15.1": {
        **dict.fromkeys(
            ("chat, responses", "anthropic", "gemini"), "wires every_failure_has_a_status_and_a_body_with_its_message"
        ),
        "param": "C/errors a_conversion_error_names_its_field; R/errors a_conversion_error_names_its_field;"
        " G/errors the_wait_and_the_field_are_told",
    },
    "15.2": {
        **dict.fromkeys(
            ("400", "402", "404", "413", "429", "500, 502", "503", "504"),
            "pairs_endings each_status_of_each_provider_for_each_client",
        ),
        **dict.fromkeys(
            ("401", "403"),
            "pairs_endings a_refused_account_of_ours_never_reaches_the_client_as_its_own;"
            " A/errors an_error_is_written_in_its_shape; C/errors errors_are_written_by_status;"
            " R/errors errors_are_written_by_status",
        ),
        "the wait": "retry_after retry_after_of_headers; G/errors how_long_to_wait",
        "overflow": "pairs_endings an_overflow_of_the_context_in_words_that_agents_know;"
        " A/errors context_overflow_is_known_by_its_words",
        "a list, a 200": "G/errors a_list_around_the_object_and_an_error_within_the_message;"
        " pairs_endings a_200_whose_body_is_an_error_is_an_error",
        "credentials": "pipe a_tee_takes_our_credential_out_of_an_error_event",
    },
    "15.3": {
        "chat": "C/writer an_error_ends_the_stream_without_done",
        "anthropic": "A/writer an_error_ends_the_stream_and_message_stop_never_comes",
        "responses": "R/writer an_error_ends_the_stream_with_the_next_number;"
        " R/writer behind_a_stream_that_passed_the_error_is_of_its_response_and_has_the_next_number",
        "gemini": "G/writer an_error_ends_the_stream_and_begins_with_error;"
        " G/array an_array_that_breaks_ends_with_the_error_and_is_closed",
        "reading": "C/reader an_error_frame_ends_the_answer_wherever_it_stands; R/reader errors_in_a_stream;"
        " A/reader an_error_event_is_raised_after_what_came_before_it; G/reader error_objects_end_the_stream",
        "all pairs": "pipe_wires an_error_event_of_the_provider_ends_the_clients_stream",
        "before any content": "pipe_wires an_error_event_first_of_all_can_become_an_http_error",
    },
    "16": {
        **dict.fromkeys(
            ("anthropic counts", "gemini counts", "responses counts"),
            "counting a_counting_request_is_parsed_as_a_generating_one; counting a_count_that_was_written_is_read_again;"
            " counting between_protocols_a_counting_call_asks_for_prompt_and_tools_alone;"
            " counting answers_have_their_protocols_shape",
        ),
        "the estimate": "count latin_counts_bytes_and_cjk_characters; count every_message_costs_four;"
        " count tools_count_as_their_json",
        "model lists": "model_list openai_shape; model_list anthropic_shape; model_list gemini_shape",
    },
    "17": {
        "tuning": "A/build tuning_is_dropped_by_name_and_bookkeeping_is_noted; foreign what_tunes_an_answer_is_named_to_the_client",
        "bookkeeping": "foreign bookkeeping_is_noted_and_not_named_to_the_client",
        "references": "foreign references_that_nobody_can_resolve_are_400",
        "unknown fields": "C/parse an_unknown_top_level_field_is_kept_as_it_came;"
        " A/parse unknown_fields_go_to_native_as_they_came",
        "unknown history": "A/parse_blocks hosted_steps_keep_their_readable_text;"
        " R/parse_items hosted_steps_keep_their_readable_text; prepare hosted_steps_of_others_leave_their_text",
        "malformed": "wires a_malformed_history_is_a_conversion_error_and_nothing_else;"
        " wires a_request_without_its_model_or_history_is_a_conversion_error",
        "the header": "loss the_header_names_what_was_dropped_and_changed; loss a_long_list_is_cut_at_one_kilobyte_and_shows_it",
        "strict": "loss strict_refuses_each_loss_by_name",
    },
}
CASES = [(section, row) for section, rows in ROWS.items() for row in rows]


@cache
def defined_in(file: str) -> frozenset[str]:
    """Names of the tests that a file defines; none when there is no such file."""
    path = HERE / f"{file}.py"
    if not path.is_file():
        return frozenset()
    return frozenset(node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef))


def located(test: str, section: str) -> tuple[str, str]:
    """`C/parse name` -> its file below here, and its function."""
    file, name = test.split()
    short, _, module = file.rpartition("/")
    return f"{SHORT[short] if short else 'test_'}{module}", f"test_{section.replace('.', '_')}_{name}"


@pytest.mark.parametrize(("section", "row"), CASES)
def test_20_1_every_row_has_its_tests(section: str, row: str) -> None:
    wanted = [located(test, section) for test in ROWS[section][row].split(";")]
    missing = [f"{file}.py::{name}" for file, name in wanted if name not in defined_in(file)]
    assert missing == []


def test_20_1_what_is_not_there_is_noticed() -> None:
    assert located("C/parse gone", "4.1") == ("openai_chat/test_parse", "test_4_1_gone")
    assert "test_20_1_gone" not in defined_in("test_table_rows")
    assert "test_20_1_what_is_not_there_is_noticed" in defined_in("test_table_rows")
    assert defined_in("test_gone") == frozenset()
