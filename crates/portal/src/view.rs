use std::fmt::Display;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use jiff::tz::TimeZone;
use maud::{Markup, html};
use model::{MeasurementId, Timestamp, Value};

use crate::{
    PortalState,
    actor::Actor,
    cookie,
    fault::Fault,
    text::{self, Language, Texts},
};

/// How somebody wants to see things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As their system has it.
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text)
    }
}

/// Whom a page is for, and what it needs to be drawn.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) t: &'static Texts,
    pub(crate) language: Language,
    pub(crate) theme: Theme,
    pub(crate) zone: TimeZone,
    pub(crate) now: Timestamp,
    /// The path of the request.
    pub(crate) path: String,
    /// The address of the station, without a slash at its end.
    pub(crate) url: String,
    /// What was just done, from the query.
    pub(crate) done: Option<&'static str>,
    /// Who is signed in, with what the organization is called.
    pub(crate) signed_in: Option<(Actor, String)>,
}

impl View {
    /// What a page needs to know of a request.
    pub(crate) async fn of(parts: &Parts, portal: &PortalState) -> Result<Self, Fault> {
        let language = language(&parts.headers);
        let t = language.texts();
        let actor = parts.extensions.get::<Actor>().cloned();
        let signed_in = match actor {
            Some(actor) => {
                let organization = portal.store().get_organization(actor.org).await?;
                Some((actor, organization.name))
            }
            None => None,
        };
        let zone = signed_in.as_ref().and_then(|(actor, _)| actor.person()).map(|person| person.time_zone.as_str());
        let done = parts.uri.query().and_then(|query| {
            let (_, value) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "done")?;
            text::done(t, &value)
        });
        Ok(Self {
            t,
            language,
            theme: cookie::find(&parts.headers, "theme").and_then(Theme::parse).unwrap_or(Theme::Auto),
            zone: zone.and_then(|zone| TimeZone::get(zone).ok()).unwrap_or(TimeZone::UTC),
            now: portal.now(),
            path: parts.uri.path().to_owned(),
            url: url(portal, &parts.headers),
            done,
            signed_in,
        })
    }

    /// What the organization of whoever is signed in is called.
    pub(crate) fn organization(&self) -> &str {
        self.signed_in.as_ref().map_or("", |(_, organization)| organization)
    }

    /// The name of the zone that times are shown in.
    pub(crate) fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// An instant as its date and time in the zone of whoever looks, the zone named.
    pub(crate) fn clock(&self, at: Timestamp) -> String {
        match jiff::Timestamp::from_millisecond(at.as_millis()) {
            Ok(at) => at.to_zoned_datetime(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
            Err(_) => at.to_string(),
        }
    }

    /// The host and its port, as the station is reached.
    pub(crate) fn host(&self) -> &str {
        self.url.split_once("://").map_or(self.url.as_str(), |(_, host)| host)
    }

    /// The host without its port, as the station is reached.
    pub(crate) fn host_name(&self) -> &str {
        let host = self.host();
        let port = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
        port.map_or(host, |(name, _)| name)
    }

    /// An instant that stays as it is.
    pub(crate) fn time(&self, at: Timestamp) -> Markup {
        html! { time datetime=(at) { (self.clock(at)) } }
    }

    /// How long ago something was; the page keeps it up to date.
    pub(crate) fn age(&self, at: Timestamp) -> Markup {
        html! { time datetime=(at) data-age title=(self.clock(at)) { (self.age_text(at)) } }
    }

    /// As [`View::age`], and moved on when the device is heard.
    pub(crate) fn heard(&self, eui: impl Display, at: Option<Timestamp>) -> Markup {
        html! {
            @match at {
                Some(at) => time datetime=(at) data-age data-heard=(eui) title=(self.clock(at)) { (self.age_text(at)) },
                None => time data-age data-heard=(eui) { (self.t.never) },
            }
        }
    }

    /// How long ago something was, in words.
    pub(crate) fn age_text(&self, at: Timestamp) -> String {
        let seconds = self.now.since_ms(at) / 1_000;
        let (number, text) = match seconds {
            ..60 => return self.t.age_now.to_owned(),
            60..3_600 => (seconds / 60, self.t.age_minutes),
            3_600..172_800 => (seconds / 3_600, self.t.age_hours),
            _ => (seconds / 86_400, self.t.age_days),
        };
        text.replace("{}", &number.to_string())
    }

    /// The name and the unit of a measurement or a status.
    pub(crate) fn measurement(&self, id: MeasurementId) -> (String, &'static str) {
        let known = if id.is_status() {
            model::status(id).map(|status| (status.name, status.unit))
        } else {
            model::measurement(id).map(|known| (known.name, known.unit))
        };
        let (english, unit) = known.unwrap_or(("", ""));
        let name = text::measurement(self.language, id).unwrap_or(english);
        if name.is_empty() { (id.to_string(), unit) } else { (name.to_owned(), unit) }
    }

    /// A count with its thousands apart.
    pub(crate) fn count(&self, number: u64) -> String {
        let digits = number.to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        text
    }
}

/// A value as people read it.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text) | Value::Json(text) => text.to_string(),
    }
}

impl FromRequestParts<PortalState> for View {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, portal: &PortalState) -> Result<Self, Fault> {
        Self::of(parts, portal).await
    }
}

/// The language somebody chose, or the first of the browser's that there is.
fn language(headers: &HeaderMap) -> Language {
    if let Some(chosen) = cookie::find(headers, "language").and_then(Language::parse) {
        return chosen;
    }
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|header| header.to_str().ok()).unwrap_or_default();
    let mut best = (Language::English, 0.0);
    for range in accepted.split(',') {
        let (tag, quality) = range.split_once(";q=").unwrap_or((range, "1"));
        let quality = quality.trim().parse::<f32>().unwrap_or(0.0);
        let primary = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
        if let Some(language) = Language::parse(&primary)
            && quality > best.1
        {
            best = (language, quality);
        }
    }
    best.0
}

/// The address that the station is reached at: as it is set, or as this request came.
fn url(portal: &PortalState, headers: &HeaderMap) -> String {
    if let Some(url) = &portal.settings().public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.filter(|host| !host.is_empty() && host.chars().all(is_plain)).unwrap_or("127.0.0.1:8080");
    let scheme = if portal.is_secure() { "https" } else { "http" };
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accepted: &str, cookie: &str, expected: Language) {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
        headers.insert(header::COOKIE, cookie.parse().unwrap());
        assert_eq!(language(&headers), expected, "{accepted} {cookie}");
    }

    #[test]
    fn the_browser_chooses_the_language_until_somebody_does() {
        check("zh-CN,zh;q=0.9,en;q=0.8", "", Language::Chinese);
        check("fr,en;q=0.5,zh;q=0.4", "", Language::English);
        check("fr, de;q=x", "", Language::English);
        check("en;q=0.1,zh-Hans;q=0.2", "", Language::Chinese);
        check("zh", "language=en", Language::English);
        check("en", "language=tlh", Language::English);
    }
}
