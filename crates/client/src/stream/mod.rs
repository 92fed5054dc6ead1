//! Data OpenStream: readings by MQTT as they come.

mod message;

use std::{fmt, time::Duration};

use model::BrokerUrl;
use rumqttc::{
    AckMode, AsyncClient as Mqtt, ConnectReturnCode, ConnectionError, Event, EventLoop, MqttOptions, Packet, Publish,
    QoS, SubscribeReasonCode, TlsConfiguration, Transport,
};
use tokio::time::sleep;

pub use self::message::StreamReading;
use crate::{Code, Error, Station};

const KEEP_ALIVE_S: u16 = 60;
const PACKET_BYTES_MAX: usize = 1 << 20;
/// Room for acknowledgements that wait to be sent.
const REQUESTS_MAX: usize = 1_024;
/// The waits between tries to connect double from the one to the other.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// What comes of a stream.
#[derive(Debug)]
pub enum Streamed {
    /// It is connected and subscribed. Unless it is resumed, what came since it was connected last
    /// does not come any more, and is to be fetched from history.
    Ready {
        /// Whether the station goes on where this reader was.
        is_resumed: bool,
    },
    /// A reading; the receipt is what to acknowledge when it is in safety.
    Reading(StreamReading, Receipt),
}

/// What a reading is acknowledged by.
#[derive(Debug, Clone)]
pub struct Receipt(Publish);

/// Acknowledges readings of a stream, in the order in which they came; clones do so for the same one.
#[derive(Debug, Clone)]
pub struct Acknowledger(Mqtt);

impl Acknowledger {
    /// Says that a reading is in safety, so that it does not come again.
    ///
    /// **Errors**: `Unreachable` if the stream is gone; the reading comes again when it is back.
    pub async fn acknowledge(&self, Receipt(publish): &Receipt) -> Result<(), Error> {
        if publish.qos == QoS::AtMostOnce {
            return Ok(());
        }
        self.0.ack(publish).await.map_err(|error| Error::Unreachable(error.to_string()))
    }
}

/// Where a station streams readings.
pub fn stream_address(station: &Station) -> Option<BrokerUrl> {
    let plain = |host: &str| BrokerUrl { host: host.to_owned(), port: 1883, tls: false };
    match station {
        Station::China => Some(plain("sensecap-openstream.seeed.cn")),
        Station::Global => Some(plain("sensecap-openstream.seeed.cc")),
        Station::At(url) => {
            let (scheme, rest) = url.split_once("://")?;
            let authority = rest.split('/').next()?;
            let host = match authority.strip_prefix('[') {
                Some(rest) => &authority[..=rest.find(']')? + 1],
                None => authority.split(':').next()?,
            };
            format!("{}://{host}", if scheme == "https" { "mqtts" } else { "mqtt" }).parse().ok()
        }
    }
}

/// The readings of an organization as they come, by MQTT 3.1.1 at QoS 1.
///
/// A reader that comes back under the same name goes on where it was: what nobody has acknowledged
/// comes again. A connection that breaks is an error, and asking for what is next connects anew, after
/// a pause that grows.
///
/// **Example**
/// ```no_run
/// # async fn f() -> Result<(), client::Error> {
/// use client::{OpenStream, Station, Streamed, stream_address};
///
/// let at = stream_address(&Station::Global).ok_or(client::Error::Malformed(String::new()))?;
/// let mut stream = OpenStream::new(&at, "919136109886", "the access key", "dashboard")?;
/// let acknowledger = stream.acknowledger();
/// while let Ok(streamed) = stream.next().await {
///     if let Streamed::Reading(reading, receipt) = streamed {
///         println!("{}: {:?}", reading.device, reading.value);
///         acknowledger.acknowledge(&receipt).await?;
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct OpenStream {
    org_id: String,
    mqtt: Mqtt,
    events: EventLoop,
    is_resumed: bool,
    pause: Duration,
    is_down: bool,
}

impl fmt::Debug for OpenStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenStream").field("org_id", &self.org_id).finish_non_exhaustive()
    }
}

impl OpenStream {
    /// A reader of a name, which the station remembers it by; it connects when it is asked for what is
    /// next.
    ///
    /// **Errors**: `Malformed` if organization, key or name cannot be sent; `Unreachable` if the
    /// operating system's certificates cannot be read.
    pub fn new(at: &BrokerUrl, org_id: &str, access_key: &str, name: &str) -> Result<Self, Error> {
        let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_plain(org_id) || !is_plain(name) || access_key.contains(char::is_control) {
            let what = "an OrgID and the name of a reader are of letters and digits, and a key has one line";
            return Err(Error::Malformed(what.to_owned()));
        }
        let mut options = MqttOptions::new(format!("org-{org_id}-{name}"), (at.host.as_str(), at.port));
        options
            .set_credentials(format!("org-{org_id}"), access_key.as_bytes().to_vec())
            .set_keep_alive(KEEP_ALIVE_S)
            .set_clean_session(false)
            .set_ack_mode(AckMode::Manual)
            .set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
        if at.tls {
            let trusted =
                TlsConfiguration::try_default_rustls().map_err(|error| Error::Unreachable(error.to_string()))?;
            options.set_transport(Transport::tls_with_config(trusted));
        }
        let (mqtt, mut events) = Mqtt::builder(options).capacity(REQUESTS_MAX).build();
        events.network_options.set_connection_timeout(10);
        Ok(Self { org_id: org_id.to_owned(), mqtt, events, is_resumed: false, pause: PAUSE_MIN, is_down: false })
    }

    /// What acknowledges its readings.
    pub fn acknowledger(&self) -> Acknowledger {
        Acknowledger(self.mqtt.clone())
    }

    /// What comes next. Messages that are no readings are acknowledged and passed over.
    ///
    /// **Errors**: `Refused` if the station refuses key or organization, `Unreachable` if the connection
    /// breaks or there is none; asking again connects again, after a pause.
    pub async fn next(&mut self) -> Result<Streamed, Error> {
        if self.is_down {
            sleep(self.pause).await;
            self.pause = (2 * self.pause).min(PAUSE_MAX);
            self.is_down = false;
        }
        loop {
            let event = self.events.poll().await.map_err(|error| self.broken(&error))?;
            let unreachable = |error: rumqttc::ClientError| Error::Unreachable(error.to_string());
            match event {
                Event::Incoming(Packet::ConnAck(answer)) => {
                    self.is_resumed = answer.session_present;
                    let filter = format!("/device_sensor_data/{}/#", self.org_id);
                    self.mqtt.subscribe(filter, QoS::AtLeastOnce).await.map_err(unreachable)?;
                }
                Event::Incoming(Packet::SubAck(answer)) => {
                    if answer.return_codes.contains(&SubscribeReasonCode::Failure) {
                        self.is_down = true;
                        let message = format!("organization {} may not be read with this key", self.org_id);
                        return Err(Error::Refused { code: Code::NotPermitted, message });
                    }
                    self.pause = PAUSE_MIN;
                    return Ok(Streamed::Ready { is_resumed: self.is_resumed });
                }
                Event::Incoming(Packet::Publish(publish)) => {
                    let topic = String::from_utf8_lossy(&publish.topic);
                    if let Some(reading) = StreamReading::parse(&self.org_id, &topic, &publish.payload) {
                        return Ok(Streamed::Reading(reading, Receipt(publish)));
                    }
                    if publish.qos != QoS::AtMostOnce {
                        self.mqtt.ack(&publish).await.map_err(unreachable)?;
                    }
                }
                _ => {}
            }
        }
    }

    /// The same for programs without an async runtime.
    ///
    /// **Errors**: `Unreachable` if no runtime can be started.
    pub fn blocking(self) -> Result<BlockingStream, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::Unreachable(error.to_string()))?;
        Ok(BlockingStream { runtime, acknowledger: self.acknowledger(), stream: self, given: None })
    }

    fn broken(&mut self, error: &ConnectionError) -> Error {
        self.is_down = true;
        match error {
            ConnectionError::ConnectionRefused(
                ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
            ) => Error::Refused {
                code: Code::WrongCredentials,
                message: "the stream takes another organization or access key".to_owned(),
            },
            other => Error::Unreachable(other.to_string()),
        }
    }
}

/// A stream as an iterator, which has no end. Asking for what is next acknowledges the reading before.
#[derive(Debug)]
pub struct BlockingStream {
    runtime: tokio::runtime::Runtime,
    stream: OpenStream,
    acknowledger: Acknowledger,
    given: Option<Receipt>,
}

impl Iterator for BlockingStream {
    type Item = Result<Streamed, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self { runtime, stream, acknowledger, given } = self;
        let next = runtime.block_on(async {
            if let Some(receipt) = given.take() {
                acknowledger.acknowledge(&receipt).await?;
            }
            stream.next().await
        });
        if let Ok(Streamed::Reading(_, receipt)) = &next {
            self.given = Some(receipt.clone());
        }
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_station_streams_beside_its_api() {
        let at = |station: &str| stream_address(&station.parse().unwrap()).map(|url| url.to_string());
        for (station, expected) in [
            ("global", "mqtt://sensecap-openstream.seeed.cc:1883"),
            ("china", "mqtt://sensecap-openstream.seeed.cn:1883"),
            ("http://10.0.0.7:8080/", "mqtt://10.0.0.7:1883"),
            ("https://station.example.org", "mqtts://station.example.org:8883"),
            ("http://[::1]:8080", "mqtt://[::1]:1883"),
        ] {
            assert_eq!(at(station).as_deref(), Some(expected), "{station}");
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused_at_once() {
        let at = "mqtt://127.0.0.1:1".parse().unwrap();
        for (org, key, name) in [("7/8", "K", "a"), ("7", "K\n", "a"), ("7", "K", "#"), ("", "K", "a"), ("7", "K", "")]
        {
            assert!(matches!(OpenStream::new(&at, org, key, name), Err(Error::Malformed(_))), "{org} {name}");
        }
    }
}
