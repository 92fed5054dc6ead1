use crate::{Client, Error};

/// A client for programs on an async runtime: its calls are made on Tokio's threads for work that
/// blocks.
///
/// **Example**
/// ```no_run
/// # async fn f() -> Result<(), client::Error> {
/// let client = client::Client::new(&client::Station::China, "0123456789ABCDEF", "the access key")?;
/// let groups = client::AsyncClient::new(client).call(|client| client.list_groups()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct AsyncClient(Client);

impl AsyncClient {
    /// Makes calls of a client elsewhere.
    pub const fn new(client: Client) -> Self {
        Self(client)
    }

    /// Makes a call, or several. It is made to its end even if nobody waits for it any more.
    ///
    /// **Errors**: as the call's; `Unreachable` when the runtime stops.
    pub async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Client) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let client = self.0.clone();
        let made = tokio::task::spawn_blocking(move || call(&client)).await;
        made.unwrap_or_else(|error| Err(Error::Unreachable(error.to_string())))
    }
}
