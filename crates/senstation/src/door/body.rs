//! A request's body: in whole, within its limits, in time.

use std::{error::Error, time::Duration};

use axum::{
    body::{Bytes, HttpBody},
    http::StatusCode,
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::refusal::Refusal;

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Within so long ...
const PACE: Duration = Duration::from_secs(10);
/// ... so much of it comes, or the client is not worth waiting for.
const PACE_BYTES: usize = 512;
/// How long a body may still take once the station stops.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// Reads a body that has at most so many bytes.
pub(super) async fn read<B>(body: B, bytes_max: usize, mut stop: watch::Receiver<bool>) -> Result<Bytes, Refusal>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let stopped = async {
        // Without anybody who could tell, the station has stopped.
        drop(stop.wait_for(|stop| *stop).await);
        sleep(LAST_PATIENCE).await;
    };
    tokio::select! {
        // Most bodies are here already, and nobody has to ask whether the station stops.
        biased;
        read = timeout(PATIENCE, collect(Limited::new(body, bytes_max), bytes_max)) => read.unwrap_or_else(|_| Err(too_slow())),
        () = stopped => {
            Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the station is stopping; send it again in a moment"))
        }
    }
}

async fn collect<B>(mut body: Limited<B>, bytes_max: usize) -> Result<Bytes, Refusal>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (mut first, mut all) = (Bytes::new(), Vec::new());
    let (mut deadline, mut paced) = (Instant::now() + PACE, 0);
    loop {
        match timeout_at(deadline, body.frame()).await {
            Err(_) => return Err(too_slow()),
            Ok(None) => return Ok(if all.is_empty() { first } else { all.into() }),
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else { continue };
                paced += data.len();
                if paced >= PACE_BYTES {
                    (deadline, paced) = (Instant::now() + PACE, 0);
                }
                // Most bodies come in one piece.
                if first.is_empty() {
                    first = data;
                } else {
                    if all.is_empty() {
                        all.extend_from_slice(&first);
                    }
                    all.extend_from_slice(&data);
                }
            }
            Ok(Some(Err(error))) if error.is::<LengthLimitError>() => return Err(too_large(bytes_max)),
            Ok(Some(Err(_))) => {
                return Err(Refusal::bad_request("the body broke off or its chunks are not framed as chunks"));
            }
        }
    }
}

/// The refusal of a body that has more than so many bytes.
pub(super) fn too_large(bytes_max: usize) -> Refusal {
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("send at most {bytes_max} bytes"))
}

fn too_slow() -> Refusal {
    Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body took too long")
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Body;
    use futures_util::stream;

    use super::*;

    /// A body of pieces, each so long after the one before.
    fn body(piece: &'static [u8], count: usize, apart: Duration) -> Body {
        Body::from_stream(stream::unfold(0, move |sent| async move {
            sleep(apart).await;
            (sent < count).then(|| (Ok::<_, Infallible>(Bytes::from_static(piece)), sent + 1))
        }))
    }

    #[track_caller]
    fn outcome(read: Result<Bytes, Refusal>, begun: Instant) -> (Result<usize, u16>, u64) {
        let read = read.map(|bytes| bytes.len()).map_err(|refusal| refusal.status().as_u16());
        (read, begun.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_comes_slowly_is_waited_for_while_it_comes() {
        const KIB: &[u8] = &[b' '; 1024];
        for (piece, count, apart_s, expected) in [
            (&b"a"[..], 3, 0, (Ok(3), 0)),
            (KIB, 3, 6, (Ok(3 * 1024), 24)),
            (KIB, 30, 6, (Err(408), 30)),
            (KIB, 3, 11, (Err(408), 10)),
            (b"a", 60, 1, (Err(408), 10)),
            (KIB, 41, 0, (Err(413), 0)),
        ] {
            let (_sender, stop) = watch::channel(false);
            let begun = Instant::now();
            let read = read(body(piece, count, Duration::from_secs(apart_s)), 40 * 1024, stop).await;
            assert_eq!(outcome(read, begun), expected, "{count} pieces every {apart_s} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_does_not_hold_the_stop() {
        let (stop, stopped) = watch::channel(false);
        let begun = Instant::now();
        let told = async {
            sleep(Duration::from_secs(5)).await;
            stop.send_replace(true);
        };
        let (read, ()) = tokio::join!(read(body(b"a", 1, Duration::from_secs(9)), 4096, stopped), told);
        assert_eq!(outcome(read, begun), (Err(503), 7));
    }
}
