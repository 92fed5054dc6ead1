use std::collections::BTreeMap;

use model::{
    Broker, BrokerState, DeviceEui, Downlink, OrgId, PreviousToken, SecretHash, Source, SourceHealth, SourceId,
    Timestamp,
};

use crate::{Error, Kind, SourceChange, SourceNote};

/// The outside systems, each with how it has been doing.
#[derive(Debug, Default)]
pub(super) struct Sources(
    BTreeMap<(OrgId, SourceId), (Source, SourceHealth)>,
    BTreeMap<SourceId, (Broker, Option<BrokerState>)>,
    BTreeMap<(SourceId, DeviceEui), Downlink>,
);

impl Sources {
    pub(super) fn create(&mut self, source: Source) -> Result<(), Error> {
        let has_id = self.0.values().any(|(other, _)| other.id == source.id);
        let previous = source.previous.map(|previous| previous.token);
        let has_token = self.has(source.token) || previous.is_some_and(|token| self.has(token));
        if has_id || has_token || previous == Some(source.token) {
            return Err(Error::Conflict(Kind::Source));
        }
        let health = SourceHealth {
            id: source.id,
            messages: 0,
            last_message_at: None,
            last_error_at: None,
            last_error: String::new(),
        };
        self.0.insert((source.org, source.id), (source, health));
        Ok(())
    }

    pub(super) fn list(&self, org: OrgId) -> Vec<Source> {
        self.0.values().filter(|(source, _)| source.org == org).map(|(source, _)| source.clone()).collect()
    }

    pub(super) fn list_health(&self, org: OrgId) -> Vec<SourceHealth> {
        self.0.values().filter(|(source, _)| source.org == org).map(|(_, health)| health.clone()).collect()
    }

    pub(super) fn update(&mut self, org: OrgId, id: SourceId, change: SourceChange) -> Result<(), Error> {
        let source = self.get(org, id)?;
        if let Some(name) = change.name {
            source.name = name;
        }
        if let Some(auto_add) = change.auto_add {
            source.auto_add = auto_add;
        }
        Ok(())
    }

    pub(super) fn rotate(
        &mut self,
        org: OrgId,
        id: SourceId,
        token: SecretHash,
        until: Timestamp,
    ) -> Result<(), Error> {
        let is_taken = self.has(token);
        let source = self.get(org, id)?;
        if is_taken {
            return Err(Error::Conflict(Kind::Source));
        }
        source.previous = Some(PreviousToken { token: source.token, until });
        source.token = token;
        Ok(())
    }

    pub(super) fn note(&mut self, notes: Vec<SourceNote>) {
        for note in notes {
            let Some((_, health)) = self.0.get_mut(&(note.org, note.id)) else { continue };
            health.messages += note.messages;
            health.last_message_at = health.last_message_at.max(note.last_message_at);
            if let Some((at, why)) = note.last_error
                && health.last_error_at.is_none_or(|last| last <= at)
            {
                health.last_error_at = Some(at);
                health.last_error = why;
            }
        }
    }

    pub(super) fn delete(&mut self, org: OrgId, id: SourceId) -> Result<(), Error> {
        self.0.remove(&(org, id)).ok_or(Error::NotFound(Kind::Source))?;
        self.1.remove(&id);
        self.2.retain(|(source, _), _| *source != id);
        Ok(())
    }

    pub(super) fn keep_downlink(&mut self, downlink: Downlink) -> Result<(), Error> {
        self.get(downlink.org, downlink.source)?;
        self.2.insert((downlink.source, downlink.eui), downlink);
        Ok(())
    }

    pub(super) fn find_downlink(&self, org: OrgId, id: SourceId, eui: DeviceEui) -> Option<Vec<u8>> {
        self.2.get(&(id, eui)).filter(|downlink| downlink.org == org).map(|downlink| downlink.sealed.clone())
    }

    pub(super) fn set_broker(&mut self, broker: Broker) -> Result<(), Error> {
        self.get(broker.org, broker.source)?;
        self.1.insert(broker.source, (broker, None));
        Ok(())
    }

    pub(super) fn remove_broker(&mut self, org: OrgId, id: SourceId) -> Result<(), Error> {
        self.get(org, id)?;
        self.1.remove(&id);
        Ok(())
    }

    pub(super) fn list_brokers(&self, org: Option<OrgId>) -> Vec<(Broker, Option<BrokerState>)> {
        self.1.values().filter(|(broker, _)| org.is_none_or(|org| broker.org == org)).cloned().collect()
    }

    pub(super) fn note_broker(&mut self, org: OrgId, id: SourceId, state: BrokerState) {
        if let Some((_, noted)) = self.1.get_mut(&id).filter(|(broker, _)| broker.org == org) {
            *noted = Some(state);
        }
    }

    pub(super) fn find(&self, token: SecretHash) -> Option<Source> {
        self.0.values().map(|(source, _)| source).find(|source| has(source, token)).cloned()
    }

    fn get(&mut self, org: OrgId, id: SourceId) -> Result<&mut Source, Error> {
        self.0.get_mut(&(org, id)).map(|(source, _)| source).ok_or(Error::NotFound(Kind::Source))
    }

    fn has(&self, token: SecretHash) -> bool {
        self.0.values().any(|(source, _)| has(source, token))
    }
}

/// Whether a token is a source's, or was the one before.
fn has(source: &Source, token: SecretHash) -> bool {
    source.token == token || source.previous.is_some_and(|previous| previous.token == token)
}
