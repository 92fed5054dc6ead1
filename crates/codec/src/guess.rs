//! What network servers call a model.

/// Names of The Things Network's device catalogue that carry no model number.
const GEN1: [&str; 5] = ["sensecap-air-th", "sensecap-co2", "sensecap-light", "sensecap-pressure", "sensecap-soil-th"];

/// Names there that stand for several models of one format.
const TRACKERS: [(&str, &str); 1] = [("sensecapt1000-tracker-ab", "t1000-a")];

/// The one model of `models` that the hint names.
pub(crate) fn model<'a>(hint: &str, models: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let hint = hint.trim().to_ascii_lowercase().replace([' ', '_'], "-");
    let hint = TRACKERS.iter().find(|(name, _)| *name == hint).map_or(hint, |(_, model)| (*model).to_owned());
    let mut named = models
        .filter(|model| if *model == "Gen1" { is_gen1(&hint) } else { names(&hint, &model.to_ascii_lowercase()) });
    let first = named.next()?;
    named.next().is_none().then_some(first)
}

fn is_gen1(hint: &str) -> bool {
    GEN1.contains(&hint) || hint.strip_prefix("sensecap-").unwrap_or(hint).split('-').next() == Some("gen1")
}

/// Whether the model stands in the hint on its own, not within a longer word; only the brand may
/// stick to its front.
fn names(hint: &str, model: &str) -> bool {
    hint.match_indices(model).any(|(at, _)| {
        let (before, after) = (&hint[..at], &hint[at + model.len()..]);
        let starts = !before.ends_with(|c: char| c.is_alphanumeric()) || before.ends_with("sensecap");
        starts && !after.starts_with(|c: char| c.is_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use crate::Codec;

    #[track_caller]
    fn check(hint: &str, expected: Option<&str>) {
        assert_eq!(Codec::guess(hint).map(Codec::model), expected, "{hint}");
    }

    #[test]
    fn takes_the_names_that_network_servers_use() {
        check("sensecaps2101-temp-humid", Some("S2101"));
        check("sensecaps2105-soll-moisture-temp-ec", Some("S2105"));
        check("SenseCAP S2101", Some("S2101"));
        check("S2101 Temp & Humidity", Some("S2101"));
        check("Greenhouse (sensecap_s2103)", Some("S2103"));
        check(" a1101 ", Some("A1101"));
        check("sensecaps2100-data-logger", Some("S2100"));
        check("sensecaps2120-8-in-1", Some("S2120"));
        check("SenseCAP S2107 (EU868)", Some("S2107"));
        check("A1102-Vision-AI", Some("A1102"));
        for hint in super::GEN1 {
            check(hint, Some("Gen1"));
        }
        check("sensecapt1000-tracker-ab", Some("T1000-A"));
        check("sensecapt2000-tracker-abc", Some("T2000"));
        check("SenseCAP T1000-B (US915)", Some("T1000-B"));
        check("Tracker T1000 E", Some("T1000-E"));
        check("WM1110 kit", Some("WM1110"));
        check("Gen1 air TH", Some("Gen1"));
        check("SenseCAP Air TH", Some("Gen1"));
    }

    #[test]
    fn takes_no_name_that_is_another_or_none() {
        check("", None);
        check("S21011", None);
        check("2CF7F1A1101", None);
        check("S2101/S2102", None);
        check("sensecap210x", None);
        check("weather station", None);
        check("süßS2101", None);
        check("gen12", None);
        // Which one?
        check("SenseCAP T1000", None);
    }
}
