//! Any text as what stands behind the organization in a filter: it matches what the standards say.

#![no_main]

use libfuzzer_sys::fuzz_target;
use model::{DeviceEui, OrgId, Reading};
use stream::{Filter, Topic};

fn levels_match(filter: &[&str], topic: &[&str]) -> bool {
    match (filter, topic) {
        (["#"], _) | ([], []) => true,
        ([first, filter @ ..], [level, topic @ ..]) => (first == level || *first == "+") && levels_match(filter, topic),
        _ => false,
    }
}

fuzz_target!(|text: &str| {
    let (org, other) = (OrgId::from_raw(919_136_109_886), OrgId::from_raw(919_136_109_887));
    let eui = DeviceEui::from_raw(0x2CF7_F120_0410_0005);
    for series in [Reading::new(1, 4097, 0.0).series, Reading::status(3000, 0.0).series] {
        let topic = Topic { org, eui, series }.to_string();
        let root = topic.split('/').nth(1).unwrap_or_default();
        let filter = format!("/{root}/{org}/{text}");
        assert!(Filter::parse(&filter, other).is_err());
        if let Ok(parsed) = Filter::parse(&filter, org) {
            let (levels, of_topic): (Vec<_>, Vec<_>) = (filter.split('/').collect(), topic.split('/').collect());
            assert_eq!(parsed.matches(eui, series), levels_match(&levels, &of_topic), "{filter}");
        }
    }
});
