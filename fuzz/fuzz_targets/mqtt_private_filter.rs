//! Any filter over any topic of a private space, a line each: it matches what the standards say.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stream::PrivateFilter;

fn levels_match(filter: &[&str], topic: &[&str]) -> bool {
    match (filter, topic) {
        (["#"], _) | ([], []) => true,
        ([first, filter @ ..], [level, topic @ ..]) => (first == level || *first == "+") && levels_match(filter, topic),
        _ => false,
    }
}

fuzz_target!(|lines: &str| {
    let Some((text, topic)) = lines.split_once('\n') else { return };
    let Ok(filter) = PrivateFilter::parse(text) else { return };
    let rest = match text.strip_prefix("$share/") {
        Some(rest) => rest.split_once('/').map_or("", |(_, rest)| rest),
        None => text,
    };
    assert_eq!(filter.is_shared(), text.starts_with("$share/"));
    assert!(!rest.starts_with('$') && !rest.starts_with("/device_sensor_data/"), "{text}");
    let (levels, of_topic): (Vec<_>, Vec<_>) = (rest.split('/').collect(), topic.split('/').collect());
    assert_eq!(filter.matches(topic), levels_match(&levels, &of_topic), "{text} {topic}");
});
