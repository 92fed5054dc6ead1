use model::{Broker, BrokerState, SourceId, is_topic_filter};

use super::sources;
use crate::{PortalState, actor::Actor, fault::Fault};

/// Most bytes of the certificates of an authority.
const CA_BYTES_MAX: usize = 64 * 1024;
/// Most characters of a user name or a password.
const TEXT_CHARS_MAX: usize = 1_024;

/// What somebody says about a broker.
#[derive(Debug, Default)]
pub(crate) struct NewBroker<'a> {
    pub(crate) url: &'a str,
    pub(crate) user: &'a str,
    /// Empty: that of before, if address and user are those of before, or none.
    pub(crate) password: &'a str,
    pub(crate) ca_pem: &'a str,
    pub(crate) topics: Vec<String>,
}

/// Says which broker a source's messages are fetched from.
pub(crate) async fn set(portal: &PortalState, actor: &Actor, id: SourceId, new: NewBroker<'_>) -> Result<(), Fault> {
    let source = sources::find(portal, actor, id).await?;
    let url = super::parse(new.url, |texts| texts.fault_broker_url)?;
    let is_short = |text: &str| text.chars().count() <= TEXT_CHARS_MAX && !text.contains(char::is_control);
    if !is_short(new.user) || !is_short(new.password) {
        return Err(Fault::Invalid(|texts| texts.fault_broker_user));
    }
    let has_topics = !new.topics.is_empty() || !portal.station().usual_topics(source.kind).is_empty();
    if !has_topics || new.topics.len() > Broker::TOPICS_MAX || !new.topics.iter().all(|topic| is_topic_filter(topic)) {
        return Err(Fault::Invalid(|texts| texts.fault_broker_topics));
    }
    let ca_pem = new.ca_pem.trim();
    let is_pem = ca_pem.is_empty() || ca_pem.contains("-----BEGIN CERTIFICATE-----");
    if !is_pem || ca_pem.len() > CA_BYTES_MAX {
        return Err(Fault::Invalid(|texts| texts.fault_broker_ca));
    }
    let known = find(portal, actor, id).await?.map(|(broker, _)| broker);
    let password = match known {
        // A password goes nowhere but where it was entered for.
        Some(known) if new.password.is_empty() && known.url == url && known.user == new.user => known.password,
        _ if new.password.is_empty() => Vec::new(),
        _ => portal.station().seal(&Broker::sealed_for(actor.org, id), new.password.as_bytes())?,
    };
    let said = format!("{url} as {}", new.user);
    let (org, user, ca_pem, topics) = (actor.org, new.user.to_owned(), ca_pem.to_owned(), new.topics);
    portal.store().set_broker(Broker { org, source: id, url, user, password, ca_pem, topics }).await?;
    actor.record(portal, "source.fetch", id, said).await?;
    Ok(())
}

/// Fetches a source's messages from nowhere any more.
pub(crate) async fn remove(portal: &PortalState, actor: &Actor, id: SourceId) -> Result<(), Fault> {
    portal.store().remove_broker(actor.org, id).await?;
    actor.record(portal, "source.fetch", id, "from nowhere").await?;
    Ok(())
}

/// The broker of a source, and how fetching from it goes.
pub(crate) async fn find(
    portal: &PortalState,
    actor: &Actor,
    id: SourceId,
) -> Result<Option<(Broker, Option<BrokerState>)>, Fault> {
    let all = portal.store().list_brokers(Some(actor.org)).await?;
    Ok(all.into_iter().find(|(broker, _)| broker.source == id))
}
