//! What the portal says, in each of its languages: one catalogue for each.

mod en;
mod zh;

use std::{collections::HashMap, sync::LazyLock};

use model::MeasurementId;

pub(crate) use en::{EN, Texts};
use zh::ZH;

/// A language of the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Chinese,
}

impl Language {
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// Its tag in pages and cookies.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// Its tag where browsers choose letters by it.
    pub(crate) const fn html_tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// What it calls itself.
    pub(crate) const fn own_name(self) -> &'static str {
        match self {
            Self::English => "EN",
            Self::Chinese => "中文",
        }
    }

    pub(crate) fn parse(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    pub(crate) const fn texts(self) -> &'static Texts {
        match self {
            Self::English => &EN,
            Self::Chinese => &ZH,
        }
    }
}

/// What to say about something that was done, by the name that a link carries.
pub(crate) fn done(texts: &'static Texts, name: &str) -> Option<&'static str> {
    let text = match name {
        "saved" => texts.done_saved,
        "added" => texts.done_added,
        "forgotten" => texts.done_forgotten,
        "removed" => texts.done_removed,
        "revoked" => texts.done_revoked,
        "ended" => texts.done_ended,
        "fleet" => texts.done_fleet,
        "fleet-removed" => texts.done_fleet_removed,
        "password" => texts.done_password,
        "welcome" => texts.done_welcome,
        _ => return None,
    };
    Some(text)
}

/// The name of a measurement or status in a language that is not the catalogue's own.
pub(crate) fn measurement(language: Language, id: MeasurementId) -> Option<&'static str> {
    match language {
        Language::English => None,
        Language::Chinese => CHINESE_MEASUREMENTS.get(&id).copied(),
    }
}

static CHINESE_MEASUREMENTS: LazyLock<HashMap<MeasurementId, &'static str>> = LazyLock::new(|| {
    let lines = include_str!("measurements.zh.tsv").lines();
    lines.filter_map(|line| line.split_once('\t')).filter_map(|(id, name)| Some((id.parse().ok()?, name))).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_there_in_both_languages_with_the_same_places_to_fill() {
        for ((name, english), (_, chinese)) in EN.entries().into_iter().zip(ZH.entries()) {
            assert!(!english.trim().is_empty() && !chinese.trim().is_empty(), "{name} is empty");
            assert_eq!(english.matches("{}").count(), chinese.matches("{}").count(), "{name}");
            let is_prose = english.split_whitespace().count() > 2;
            assert!(!is_prose || english != chinese, "{name} is not translated");
        }
    }

    #[test]
    fn every_measurement_has_a_chinese_name() {
        let known = model::measurements().iter().map(|known| known.id);
        let statuses = model::statuses().iter().map(|known| known.id);
        for id in known.chain(statuses) {
            assert!(measurement(Language::Chinese, id).is_some_and(|name| !name.is_empty()), "{id} has no name");
        }
    }
}
