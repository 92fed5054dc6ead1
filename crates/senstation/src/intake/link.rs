use std::{fmt, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesOrdered};
use ingest::{BODY_BYTES_MAX, IngestState, Refusal, accept_published, usual_topics};
use model::{Broker, BrokerState, Source, StationKey};
use rumqttc::{
    AckMode, AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, MqttOptions, Packet, Publish, QoS,
    StateError, SubscribeFilter, SubscribeReasonCode, TlsConfiguration, Transport,
};
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};

/// Most messages of one source that are on their way into the store at a time.
const MESSAGES_MAX: usize = 64;
/// Room for acknowledgements; more than there are messages on their way, so that neither waits for
/// the other.
const REQUESTS_MAX: usize = 4 * MESSAGES_MAX;
/// What is larger ends the connection; what is larger than a webhook's body is refused alone.
const PACKET_BYTES_MAX: usize = 4 * BODY_BYTES_MAX;
const KEEP_ALIVE_S: u16 = 30;
/// The waits between tries to connect double from the one to the other.
const WAIT_MIN: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(60);

/// One source and the broker that its messages are fetched from.
pub(super) struct Link {
    pub(super) state: IngestState,
    pub(super) broker: Broker,
    pub(super) source: Arc<Source>,
}

impl Link {
    /// Fetches until told to stop.
    pub(super) async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut wait = WAIT_MIN;
        let mut told = String::new();
        while !*stop.borrow() {
            let mut is_subscribed = false;
            let Err(trouble) = self.connect(&mut stop, &mut is_subscribed).await else {
                return self.note(false, "the station has stopped").await;
            };
            wait = if is_subscribed { WAIT_MIN } else { wait };
            if is_subscribed || trouble != told {
                let (source, broker) = (self.source.id, self.broker.url.to_string());
                tracing::warn!(%source, broker, "nothing can be fetched: {trouble}");
                told = trouble;
                self.note(false, &told).await;
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = sleep(wait) => {}
            }
            wait = (2 * wait).min(WAIT_MAX);
        }
    }

    /// Fetches over one connection; ends well only when told to stop.
    async fn connect(&self, stop: &mut watch::Receiver<bool>, is_subscribed: &mut bool) -> Result<(), String> {
        let (client, mut events) = AsyncClient::builder(self.options()?).capacity(REQUESTS_MAX).build();
        events.network_options.set_connection_timeout(10);
        let (messages, waiting) = mpsc::channel(MESSAGES_MAX);
        let stored = self.store(&client, waiting);
        tokio::pin!(stored);
        let ended = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => Ok(()),
            // Ends before the messages do only where the store takes nothing.
            refused = &mut stored => return refused,
            trouble = self.listen(&client, &mut events, &messages, is_subscribed) => Err(trouble),
        };
        // What is on its way is let in; what cannot be acknowledged any more comes again.
        drop(messages);
        let _ = stored.await;
        if ended.is_ok() {
            self.acknowledge_what_is_stored(&client, &mut events).await;
        }
        ended
    }

    /// Reads what the broker sends until the connection ends, and says why it did.
    async fn listen(
        &self,
        client: &AsyncClient,
        events: &mut EventLoop,
        messages: &mpsc::Sender<Publish>,
        is_subscribed: &mut bool,
    ) -> String {
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    let topics = self.topics().into_iter().map(|topic| SubscribeFilter::new(topic, QoS::AtLeastOnce));
                    if let Err(error) = client.subscribe_many(topics).await {
                        return error.to_string();
                    }
                }
                Ok(Event::Incoming(Packet::SubAck(answer))) => {
                    let refused = self.topics().into_iter().zip(&answer.return_codes);
                    let refused = refused.filter(|(_, code)| **code == SubscribeReasonCode::Failure);
                    let refused: Vec<_> = refused.map(|(topic, _)| format!("`{topic}`")).collect();
                    if !refused.is_empty() {
                        return format!("the broker lets `{}` not read {}", self.broker.user, refused.join(", "));
                    }
                    *is_subscribed = true;
                    tracing::info!(source = %self.source.id, broker = %self.broker.url, "fetching");
                    self.note(true, "").await;
                }
                Ok(Event::Incoming(Packet::Publish(message))) => {
                    if messages.send(message).await.is_err() {
                        return "the store takes nothing just now".to_owned();
                    }
                }
                Ok(_) => {}
                Err(error) => return trouble(&error),
            }
        }
    }

    /// Stores messages as they come, and acknowledges them in their order, each when it is durable or
    /// can never be stored.
    ///
    /// **Errors**: the store takes nothing just now; that message, and those after it, come again.
    async fn store(&self, client: &AsyncClient, mut waiting: mpsc::Receiver<Publish>) -> Result<(), String> {
        let mut storing = FuturesOrdered::new();
        loop {
            tokio::select! {
                message = waiting.recv(), if storing.len() < MESSAGES_MAX => match message {
                    Some(message) => storing.push_back(self.take(message)),
                    None => break,
                },
                Some(taken) = storing.next() => acknowledge(client, taken).await?,
            }
        }
        while let Some(taken) = storing.next().await {
            acknowledge(client, taken).await?;
        }
        Ok(())
    }

    async fn take(&self, message: Publish) -> (Publish, Result<(), Refusal>) {
        let received_at = (self.state.now)();
        let topic = String::from_utf8_lossy(&message.topic).into_owned();
        let taken = accept_published(&self.state, &self.source, &topic, &message.payload, received_at).await;
        (message, taken.map(drop))
    }

    /// Sends the acknowledgements that wait and says goodbye, for as long as a broker may take for it.
    async fn acknowledge_what_is_stored(&self, client: &AsyncClient, events: &mut EventLoop) {
        const PATIENCE: Duration = Duration::from_secs(2);
        if client.try_disconnect().is_ok() {
            let _ = tokio::time::timeout(PATIENCE, async { while events.poll().await.is_ok() {} }).await;
        }
    }

    fn options(&self) -> Result<MqttOptions, String> {
        let broker = &self.broker;
        let name = format!("senstation-{}", self.source.id);
        let mut options = MqttOptions::new(name, (broker.url.host.as_str(), broker.url.port));
        options
            .set_keep_alive(KEEP_ALIVE_S)
            .set_clean_session(false)
            .set_ack_mode(AckMode::Manual)
            .set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
        if !broker.user.is_empty() {
            options.set_credentials(broker.user.clone(), self.password(&self.state.devices.station_key)?);
        }
        if broker.url.tls {
            let trusted = if broker.ca_pem.is_empty() {
                TlsConfiguration::try_default_rustls()
                    .map_err(|error| format!("the certificates of the operating system cannot be read: {error}"))?
            } else {
                TlsConfiguration::Simple { ca: broker.ca_pem.clone().into_bytes(), alpn: None, client_auth: None }
            };
            options.set_transport(Transport::tls_with_config(trusted));
        }
        Ok(options)
    }

    fn password(&self, key: &StationKey) -> Result<Vec<u8>, String> {
        if self.broker.password.is_empty() {
            return Ok(Vec::new());
        }
        let opened = key.open(&Broker::sealed_for(self.broker.org, self.broker.source), &self.broker.password);
        opened.ok_or_else(|| "the password was sealed by another `station.key`; enter it again".to_owned())
    }

    fn topics(&self) -> Vec<String> {
        if self.broker.topics.is_empty() {
            return usual_topics(self.source.kind).iter().map(|topic| (*topic).to_owned()).collect();
        }
        self.broker.topics.clone()
    }

    async fn note(&self, is_connected: bool, trouble: &str) {
        let trouble = trouble.chars().take(200).collect();
        let state = BrokerState { is_connected, trouble, since: (self.state.now)() };
        if let Err(error) = self.state.store.note_broker(self.source.org, self.source.id, state).await {
            tracing::warn!(source = %self.source.id, "how fetching goes cannot be written down: {error}");
        }
    }
}

async fn acknowledge(client: &AsyncClient, (message, taken): (Publish, Result<(), Refusal>)) -> Result<(), String> {
    match taken {
        Err(refusal) if refusal.is_for_now() => Err(refusal.to_string()),
        // What can never be stored would come again and again.
        Ok(()) | Err(_) if message.qos == QoS::AtMostOnce => Ok(()),
        Ok(()) | Err(_) => client.ack(&message).await.map_err(|error| error.to_string()),
    }
}

/// What is the matter, for people.
fn trouble(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ConnectionRefused(
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
        ) => "the broker refuses user or password".to_owned(),
        ConnectionError::ConnectionRefused(code) => format!("the broker refuses the connection: {code:?}"),
        ConnectionError::NetworkTimeout => "the broker does not answer".to_owned(),
        ConnectionError::MqttState(StateError::ConnectionAborted) => "the broker closed the connection".to_owned(),
        ConnectionError::Io(error) => format!("the broker cannot be reached: {error}"),
        ConnectionError::Tls(error) => format!("the broker is not trusted, or does not speak TLS: {error}"),
        other => other.to_string(),
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({} at {})", self.source.id, self.broker.url)
    }
}
