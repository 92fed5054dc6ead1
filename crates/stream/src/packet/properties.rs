use super::{Fault, malformed, take::Take, violation};

/// Which property it is, by the standard's numbers.
pub(super) mod id {
    pub(crate) const SESSION_EXPIRY: u8 = 17;
    pub(crate) const ASSIGNED_CLIENT_ID: u8 = 18;
    pub(crate) const METHOD: u8 = 21;
    pub(crate) const AUTHENTICATION_DATA: u8 = 22;
    pub(crate) const REASON_TEXT: u8 = 31;
    pub(crate) const RECEIVE_MAX: u8 = 33;
    pub(crate) const TOPIC_ALIAS: u8 = 35;
    pub(crate) const USER: u8 = 38;
    pub(crate) const PACKET_BYTES_MAX: u8 = 39;
    pub(crate) const SHARED_AVAILABLE: u8 = 42;
    pub(crate) const SUBSCRIPTION: u8 = 11;
    pub(crate) const MESSAGE_EXPIRY: u8 = 2;
    pub(crate) const RESPONSE_TOPIC: u8 = 8;
    pub(crate) const SERVER_KEEP_ALIVE: u8 = 19;
    pub(crate) const WILL_DELAY: u8 = 24;
    pub(crate) const TOPIC_ALIAS_MAX: u8 = 34;
}

/// Properties that each kind of packet may have when a client sends it.
pub(super) const OF_CONNECT: &[u8] =
    &[id::SESSION_EXPIRY, 21, 22, 23, 25, id::RECEIVE_MAX, id::TOPIC_ALIAS_MAX, id::USER, id::PACKET_BYTES_MAX];
pub(super) const OF_WILL: &[u8] = &[1, id::MESSAGE_EXPIRY, 3, id::RESPONSE_TOPIC, 9, id::WILL_DELAY, id::USER];
pub(super) const OF_PUBLISH: &[u8] = &[1, id::MESSAGE_EXPIRY, 3, id::RESPONSE_TOPIC, 9, id::TOPIC_ALIAS, id::USER];
pub(super) const OF_ANSWER: &[u8] = &[id::REASON_TEXT, id::USER];
pub(super) const OF_SUBSCRIBE: &[u8] = &[id::SUBSCRIPTION, id::USER];
pub(super) const OF_UNSUBSCRIBE: &[u8] = &[id::USER];
pub(super) const OF_DISCONNECT: &[u8] = &[id::SESSION_EXPIRY, id::REASON_TEXT, id::USER];
pub(super) const OF_AUTHENTICATE: &[u8] = &[id::METHOD, id::AUTHENTICATION_DATA, id::REASON_TEXT, id::USER];

/// Reads properties and hands each on: which it is, its number if it is one, and its bytes. Each comes
/// once at most, but those that users make up.
pub(super) fn read(
    take: &mut Take<'_>,
    allowed: &[u8],
    mut visit: impl FnMut(u8, u32, &[u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let count = take.number()? as usize;
    let mut take = Take(take.bytes(count)?);
    let mut seen = 0_u64;
    while !take.is_empty() {
        let before = take.0;
        let property = take.u8()?;
        if !allowed.contains(&property) {
            return malformed("a packet has a property that it must not have");
        }
        if seen & 1 << property != 0 && property != id::USER {
            return violation("a property comes twice");
        }
        seen |= 1 << property;
        let number = match property {
            1 | 23 | 25 => match take.u8()? {
                number @ 0..=1 => number.into(),
                _ => return violation("a property is neither 0 nor 1"),
            },
            id::RECEIVE_MAX | id::TOPIC_ALIAS_MAX | id::TOPIC_ALIAS => take.u16()?.into(),
            id::MESSAGE_EXPIRY | id::SESSION_EXPIRY | id::WILL_DELAY | id::PACKET_BYTES_MAX => take.u32()?,
            id::SUBSCRIPTION => take.number()?,
            9 | id::AUTHENTICATION_DATA => {
                take.binary()?;
                0
            }
            id::USER => {
                take.text()?;
                take.text()?;
                0
            }
            id::RESPONSE_TOPIC => {
                if take.text()?.contains(['+', '#']) {
                    return violation("a topic for answers has wildcards");
                }
                0
            }
            // 3, 21 and 31; whatever else is allowed nowhere.
            _ => {
                take.text()?;
                0
            }
        };
        let must_not_be_0 = [id::SUBSCRIPTION, id::RECEIVE_MAX, id::PACKET_BYTES_MAX].contains(&property);
        if must_not_be_0 && number == 0 {
            return violation("a property is 0 that must not be");
        }
        visit(property, number, &before[..before.len() - take.0.len()])?;
    }
    Ok(())
}
