//! Performs a mode on one connection: bytes, pauses, floods, and how it ends.
//!
//! What the client says meanwhile is read and dropped, so that it is never held up by us, and so that a close is not
//! turned into a reset by unread bytes. The play ends at once when the client leaves.

use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;

/// One thing done on a connection.
#[derive(Debug)]
pub(super) enum Act {
    /// These bytes.
    Say(&'static [u8]),
    /// Bytes that are made for the occasion.
    Make(fn() -> Vec<u8>),
    /// The bytes so many times, as fast as they are taken.
    Repeat(&'static [u8], u64),
    /// The bytes for ever, as fast as they are taken.
    Flood(&'static [u8]),
    /// The bytes for ever, one of them each [`DRIP`].
    Drip(&'static [u8]),
    /// A short silence: what was said before it is on its way.
    Pause,
    /// Waits until the client asks (or says, where there is nothing to ask).
    Await,
    /// Nothing more, until the client leaves.
    Hold,
    /// Ends the connection with a reset.
    Reset,
    /// Ends the connection without the farewell that TLS wants.
    HangUp,
}

/// How a play ended; without an act that says so, the connection is closed as it should be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// As it should.
    Closed,
    /// The client left.
    Left,
    /// To be reset.
    Reset,
    /// To be dropped as it stands.
    HungUp,
}

/// What counts as asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// Any bytes.
    Bytes,
    /// The end of a request on an HTTP/2 connection.
    Http2,
}

const DRIP: Duration = Duration::from_millis(20);
const PAUSE: Duration = Duration::from_millis(50);
/// How long a client may take to leave a connection that is closed.
pub(super) const LINGER: Duration = Duration::from_secs(2);
/// Floods are written in pieces of this size.
const PIECE_BYTES: usize = 64 * 1024;

/// Performs `acts`.
pub(super) async fn play<S>(stream: S, acts: &[Act], asking: Asking) -> Ending
where
    S: AsyncRead + AsyncWrite,
{
    let (from, mut to) = tokio::io::split(stream);
    let asked = Notify::new();
    let mut listening = pin!(listen(from, asking, &asked));
    let performed = tokio::select! {
        performed = perform(&mut to, acts, &asked) => performed,
        () = &mut listening => return Ending::Left,
    };
    let ending = performed.unwrap_or(Ending::Left);
    if ending == Ending::Closed {
        // Fails when the client was faster.
        let _ = to.shutdown().await;
        let _ = tokio::time::timeout(LINGER, listening).await;
    }
    ending
}

/// Errs when the client leaves.
async fn perform(
    to: &mut (impl AsyncWrite + Unpin),
    acts: &[Act],
    asked: &Notify,
) -> std::io::Result<Ending> {
    for act in acts {
        match act {
            Act::Say(bytes) => to.write_all(bytes).await?,
            Act::Make(make) => to.write_all(&make()).await?,
            Act::Repeat(bytes, times) => repeat(to, bytes, *times).await?,
            Act::Flood(bytes) => repeat(to, bytes, u64::MAX).await?,
            Act::Drip(bytes) => drip(to, bytes).await?,
            Act::Pause => tokio::time::sleep(PAUSE).await,
            Act::Await => asked.notified().await,
            Act::Hold => std::future::pending().await,
            Act::Reset => return Ok(Ending::Reset),
            Act::HangUp => return Ok(Ending::HungUp),
        }
        to.flush().await?;
    }
    Ok(Ending::Closed)
}

async fn repeat(
    to: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    mut times: u64,
) -> std::io::Result<()> {
    let each = PIECE_BYTES.div_ceil(bytes.len().max(1));
    let piece = bytes.repeat(each);
    while times > 0 {
        let now = usize::try_from(times).unwrap_or(each).min(each);
        to.write_all(&piece[..now * bytes.len()]).await?;
        times -= now as u64;
    }
    Ok(())
}

async fn drip(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes.iter().cycle() {
        to.write_all(&[*byte]).await?;
        to.flush().await?;
        tokio::time::sleep(DRIP).await;
    }
    Ok(())
}

/// Reads what the client says until it leaves.
async fn listen(mut from: impl AsyncRead + Unpin, asking: Asking, asked: &Notify) {
    let mut frames = super::http2::Frames::default();
    let mut buffer = [0; 8192];
    loop {
        let bytes = match from.read(&mut buffer).await {
            Ok(count) if count > 0 => &buffer[..count],
            _ => return,
        };
        if asking == Asking::Bytes || frames.end_a_request(bytes) {
            asked.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn acts_follow_each_other_and_the_end_is_a_close() {
        let (client, server) = tokio::io::duplex(1024);
        let acts = [
            Act::Say(b"a"),
            Act::Await,
            Act::Repeat(b"bc", 2),
            Act::Pause,
            Act::Make(|| b"d".to_vec()),
        ];
        let (mut from, mut to) = tokio::io::split(client);
        let client = async {
            to.write_all(b"x").await.unwrap();
            let mut heard = Vec::new();
            from.read_to_end(&mut heard).await.unwrap();
            drop((from, to));
            heard
        };
        let (ending, heard) = tokio::join!(play(server, &acts, Asking::Bytes), client);
        assert_eq!(
            (ending, heard.as_slice()),
            (Ending::Closed, b"abcbcd".as_slice())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_ends_when_the_client_leaves() {
        let (client, server) = tokio::io::duplex(16);
        drop(client);
        let ending = play(server, &[Act::Flood(b"x"), Act::Hold], Asking::Bytes).await;
        assert_eq!(ending, Ending::Left);
    }
}
