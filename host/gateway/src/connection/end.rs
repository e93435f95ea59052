//! The last things that are done with a socket.

use std::{io, time::Duration};

use switchyard_core::problem::Code;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::Activity;

/// How long a client may take to notice the end of the connection, in all and between two reads. It has its
/// connection for this much longer, so both are short.
const LINGER: Duration = Duration::from_secs(10);
const LINGER_SILENCE: Duration = Duration::from_secs(2);

/// Answers a client whose request's head did not come in time (RFC 9110, section 15.5.9), and closes. One that
/// sent nothing at all is only closed.
pub(super) async fn refuse_late_head(stream: TcpStream, activity: &Activity) {
    if activity.is_silent() {
        return;
    }
    let code = Code::RequestTimeout;
    let problem = code.problem(Some("the request's head did not arrive in time"), None, None);
    let body = serde_json::to_string(&problem).unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {} Request Timeout\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        code.status(),
        body.len(),
    );
    // Nothing is in the socket's buffer, so all of it goes in at once or the client is gone.
    if let Err(error) = stream.try_write(format!("{head}{body}").as_bytes()) {
        tracing::debug!(%error, "cannot answer a late request");
    }
    linger(stream).await;
}

/// Says that nothing more comes, then reads and forgets what the client still sends: closing a socket with unread
/// bytes makes the kernel send a reset, which can reach the client before it has read the response (RFC 9112,
/// section 9.6).
pub(super) async fn linger(mut stream: TcpStream) {
    let mut scrap = vec![0; 16 << 10];
    let all = async {
        stream.shutdown().await?;
        while let Ok(result) = timeout(LINGER_SILENCE, stream.read(&mut scrap)).await {
            if result? == 0 {
                break;
            }
        }
        io::Result::Ok(())
    };
    // Whether it took too long or the client reset first, there is nothing more to do for it.
    let _ = timeout(LINGER, all).await;
}
