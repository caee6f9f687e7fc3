//! The closed sets of words in a scenario: components, failure modes, and what a status page says.

use std::fmt;

macro_rules! words {
    ($(#[$meta:meta])* $type:ident { $($(#[$doc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $type { $($(#[$doc])* $variant,)* }

        impl $type {
            /// All, in the order in which they are shown.
            pub const ALL: &'static [$type] = &[$($type::$variant,)*];

            /// The word in a scenario file.
            pub const fn name(self) -> &'static str {
                match self { $($type::$variant => $name,)* }
            }

            /// From the word in a scenario file.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some($type::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

words! {
    /// A part of the provider that can fail by itself.
    Component {
        /// The chat as a web page.
        ChatWeb = "chat_web",
        /// Chat completions of the API, streamed or not.
        ApiChatCompletions = "api_chat_completions",
        /// The list of models of the API. Follows the chat completions unless a scenario says otherwise.
        Models = "models",
        /// Pictures made by the API.
        ImageGeneration = "image_generation",
        /// Signing in.
        Login = "login",
        /// Films made by the API.
        Video = "video",
    }
}

words! {
    /// One way in which a request fails.
    FailureMode {
        /// 500 with an error as JSON.
        ServerError = "server_error",
        /// 502 with a web page of the edge in front of the service.
        BadGateway = "bad_gateway",
        /// 503 with an error as JSON.
        Unavailable = "unavailable",
        /// 529 with an error as JSON.
        Overloaded = "overloaded",
        /// 429: asked too often.
        RateLimit = "rate_limit",
        /// 200 with an error inside; in a stream, an error event after some tokens.
        ErrorInside = "error_in_200",
        /// The connection breaks in the middle of the answer.
        Cut = "cut_stream",
        /// The answer begins and never goes on.
        Stall = "stall",
        /// No answer at all.
        Timeout = "timeout",
        /// 200 without content.
        Empty = "empty",
    }
}

words! {
    /// How it is known that something was so.
    Basis {
        /// Said by the provider, on its status page or in its report afterwards.
        Documented = "documented",
        /// From the outage minutes that the status page counts.
        UptimeCounters = "uptime_counters",
        /// Said by others.
        ThirdParty = "third_party",
        /// Recalled from the provider's report, not read again.
        Recalled = "recalled",
        /// Our assumption.
        Assumed = "assumed",
    }
}

words! {
    /// What a status page calls the size of an incident.
    Impact {
        /// Not worth a colour.
        None = "none",
        /// Yellow.
        Minor = "minor",
        /// Orange.
        Major = "major",
        /// Red.
        Critical = "critical",
    }
}

words! {
    /// What a post on a status page says about its incident.
    PostStatus {
        /// Something is wrong.
        Investigating = "investigating",
        /// The cause is known.
        Identified = "identified",
        /// A remedy is in place.
        Monitoring = "monitoring",
        /// Over.
        Resolved = "resolved",
    }
}
