//! What a server hears of us when it does not take a letter.

use super::*;

/// What a server hears that offers no TLS and takes no recipient.
async fn heard_over(scheme: &str) -> (Answer, Vec<String>) {
    use tokio::io::{AsyncBufReadExt as _, BufReader};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut tcp = BufReader::new(tcp);
        let mut heard = Vec::new();
        tcp.write_all(b"220 mx.example.com\r\n").await.unwrap();
        let mut line = String::new();
        while tcp.read_line(&mut line).await.is_ok_and(|read| read > 0) {
            let word = line.split_whitespace().next().unwrap_or("").to_owned();
            let reply = match word.as_str() {
                "EHLO" => "250 mx.example.com\r\n",
                "RCPT" => "450 4.3.2 try again later\r\n",
                "QUIT" => "221 bye\r\n",
                _ => "250 ok\r\n",
            };
            heard.push(word);
            line.clear();
            // Who has said goodbye need not wait for the echo.
            let _ = tcp.write_all(reply.as_bytes()).await;
        }
        heard
    };
    let smtp = Smtp::new(&SmtpConfig {
        server: SmtpConfig::parse_url(&format!("{scheme}://127.0.0.1:{port}")).unwrap(),
        login: None,
        from: "watchfire@example.com".into(),
        ca: None,
    })
    .unwrap();
    let letter = Letter {
        recipient: "oncall@example.com".into(),
        message_id: "<1@example.com>".into(),
        bytes: b"Subject: x\r\n\r\nx\r\n".to_vec(),
    };
    tokio::join!(smtp.try_once(&letter), server)
}

#[tokio::test]
async fn a_server_without_starttls_hears_a_goodbye_and_nothing_else() {
    let (answer, heard) = heard_over("smtp").await;
    assert_eq!(
        (answer.acceptance, answer.step),
        (Acceptance::Later, Step::Starttls)
    );
    assert_eq!(heard, ["EHLO", "QUIT"]);
}

#[tokio::test]
async fn a_refused_recipient_ends_the_conversation_properly() {
    let (answer, heard) = heard_over("smtp-plain").await;
    assert_eq!(
        (answer.acceptance, answer.step, answer.code),
        (Acceptance::Later, Step::Recipient, Some(450))
    );
    assert_eq!(heard, ["EHLO", "MAIL", "RCPT", "QUIT"]);
}
