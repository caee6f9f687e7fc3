//! What the mail server was told, and what it has of it.

use std::collections::HashMap;

use super::At;

/// Bytes outside of TLS that are kept: enough to find a password in them.
const MOST_RAW: usize = 4 << 20;
/// Commands that are kept.
const MOST_COMMANDS: usize = 100_000;

/// What a server was told.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    /// Every byte outside TLS, in clear or not.
    pub raw: Vec<u8>,
    /// The commands, whether in clear or inside TLS.
    pub commands: Vec<String>,
    /// Messages that came whole, in the order of their ends.
    pub whole: Vec<Taken>,
    /// Connections.
    pub connections: usize,
    /// How often it has misbehaved, by part of the conversation and recipient.
    pub(super) done: HashMap<(At, String), usize>,
}

/// A message that came whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The recipient.
    pub to: String,
    /// The message, the stuffed dots taken out.
    pub message: Vec<u8>,
    /// The server has it and will deliver it, whether it said so or not; false when it refused it after its end.
    pub kept: bool,
}

impl Taken {
    /// Its Message-ID, with angle brackets; empty when it has none.
    pub fn id(&self) -> String {
        let text = String::from_utf8_lossy(&self.message);
        let head = text.lines().take_while(|line| !line.is_empty());
        let mut ids = head.filter_map(|line| line.strip_prefix("Message-ID:"));
        ids.next().unwrap_or_default().trim().to_owned()
    }
}

impl Journal {
    /// The messages that it will deliver.
    pub fn kept(&self) -> impl Iterator<Item = &Taken> {
        self.whole.iter().filter(|taken| taken.kept)
    }

    pub(super) fn hear(&mut self, bytes: &[u8]) {
        let room = MOST_RAW.saturating_sub(self.raw.len());
        self.raw.extend(bytes.iter().take(room));
    }

    pub(super) fn command(&mut self, line: String) {
        if self.commands.len() < MOST_COMMANDS {
            self.commands.push(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_message_is_that_of_its_head() {
        let taken = |message: &str| Taken {
            to: String::new(),
            message: message.as_bytes().to_vec(),
            kept: true,
        };
        let whole = taken("Subject: x\r\nMessage-ID: <1@a>\r\n\r\nMessage-ID: <2@a>\r\n");
        assert_eq!(whole.id(), "<1@a>");
        assert_eq!(taken("Subject: x\r\n\r\nMessage-ID: <2@a>\r\n").id(), "");
    }
}
