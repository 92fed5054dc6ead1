use super::{
    Connect, Content, Fault, Reason, Version, Will, malformed,
    properties::{self, id},
    take::Take,
    violation,
};

/// Reads what stands behind the head of a connect.
pub(super) fn read(mut take: Take<'_>) -> Result<Connect, Fault> {
    let unsupported = Fault { reason: Reason::UnsupportedProtocolVersion, what: "another protocol or version" };
    let name = take.binary()?;
    let version = match (name, take.u8()?) {
        (b"MQTT", 4) => Version::V3,
        (b"MQTT", 5) => Version::V5,
        _ => return Err(unsupported),
    };
    let flags = take.u8()?;
    let has = |bit: u8| flags & 1 << bit != 0;
    let (has_user, has_password, has_will) = (has(7), has(6), has(2));
    let (keeps_will, will_qos) = (has(5), flags >> 3 & 3);
    if has(0) {
        return malformed("a connect has its reserved flag set");
    }
    if will_qos == 3 || !has_will && (keeps_will || will_qos != 0) {
        return malformed("a connect says contradictory things of a will");
    }
    let mut connect = Connect {
        version,
        is_clean: has(1),
        keep_alive_s: take.u16()?,
        client_id: String::new(),
        user: None,
        password: None,
        // What MQTT 3.1.1 keeps has no end of its own.
        expires_after_s: if version == Version::V3 && !has(1) { u32::MAX } else { 0 },
        receive_max: u16::MAX,
        packet_bytes_max: u32::MAX,
        has_method: false,
        aliases_max: 0,
        will: None,
    };
    if version == Version::V5 {
        let (mut has_method, mut has_data) = (false, false);
        properties::read(&mut take, properties::OF_CONNECT, |property, number, _| {
            match property {
                id::SESSION_EXPIRY => connect.expires_after_s = number,
                id::RECEIVE_MAX => connect.receive_max = number as u16,
                id::PACKET_BYTES_MAX => connect.packet_bytes_max = number,
                id::TOPIC_ALIAS_MAX => connect.aliases_max = number as u16,
                id::METHOD => has_method = true,
                id::AUTHENTICATION_DATA => has_data = true,
                _ => {}
            }
            Ok(())
        })?;
        if has_data && !has_method {
            return violation("authentication data without a method");
        }
        connect.has_method = has_method;
    }
    take.text()?.clone_into(&mut connect.client_id);
    if has_will {
        let (mut delay_s, mut content) = (0, Content::default());
        if version == Version::V5 {
            properties::read(&mut take, properties::OF_WILL, |property, number, bytes| {
                match property {
                    id::WILL_DELAY => delay_s = number,
                    id::MESSAGE_EXPIRY => content.expires_after_s = Some(number),
                    _ => content.properties.extend_from_slice(bytes),
                }
                Ok(())
            })?;
        }
        let topic = take.text()?;
        if !is_topic(topic) {
            return Err(Fault { reason: Reason::TopicNameInvalid, what: "the topic of a will is none" });
        }
        content.payload = take.binary()?.to_vec();
        connect.will = Some(Will { topic: topic.to_owned(), qos: will_qos, retain: keeps_will, delay_s, content });
    }
    if has_user {
        connect.user = Some(take.text()?.to_owned());
    }
    if has_password {
        if version == Version::V3 && !has_user {
            return malformed("a password without a user");
        }
        connect.password = Some(take.binary()?.to_vec());
    }
    take.end()?;
    Ok(connect)
}

/// Whether something can be published under a topic.
pub(super) fn is_topic(text: &str) -> bool {
    !text.is_empty() && !text.contains(['+', '#'])
}
