//! The JSON that carries JSON-RPC, MCP and GraphQL requests: the few members that name what is
//! asked for, read without building a tree, in content that may break off.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Bytes of a name that are read; a longer one is no name.
const NAME_BYTES_MAX: usize = 1024;

/// Members of which at least one is in every request that is looked for.
const MARKS: [&[u8]; 3] = [b"\"method\"", b"\"query\"", b"\"persistedQuery\""];

/// Methods of MCP beside those that any service could have.
const MCP_METHODS: [&str; 16] = [
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "resources/subscribe",
    "resources/unsubscribe",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
    "sampling/createMessage",
    "roots/list",
    "elicitation/create",
    "notifications/initialized",
    "notifications/cancelled",
];

/// What was found of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Envelope {
    version: Option<String>,
    method: Option<String>,
    pub(super) has_id: bool,
    params_listed: bool,
    pub(super) params_name: Option<String>,
    params_protocol: Option<String>,
    pub(super) query: Option<String>,
    pub(super) operation_name: Option<String>,
    pub(super) persisted: Option<String>,
    /// The request inside a message that wraps it.
    pub(super) payload: Option<Box<Self>>,
    /// Members that none of the forms has.
    others: u32,
}

impl Envelope {
    /// The method, when this is a JSON-RPC call or notification.
    pub(super) fn rpc_method(&self) -> Option<&str> {
        let method = self.method.as_deref()?;
        match self.version.as_deref() {
            Some(version) => (version == "2.0").then_some(method),
            // Version 1.0 has no mark of its own, but exactly these members.
            None => (self.has_id && self.params_listed && self.others == 0 && self.query.is_none())
                .then_some(method),
        }
    }

    /// Whether the method is one of MCP.
    pub(super) fn is_mcp(&self, method: &str) -> bool {
        MCP_METHODS.contains(&method) || (method == "initialize" && self.params_protocol.is_some())
    }

    /// Takes the hash of a stored document from GraphQL's `extensions`.
    pub(super) fn read_extensions(&mut self, text: &[u8]) {
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        // What breaks off leaves what was read.
        let _ = Object {
            envelope: self,
            part: Part::Extensions,
        }
        .deserialize(&mut deserializer);
    }
}

/// The requests in `content`, at most `most`, and how many there are.
pub(super) fn read(content: &[u8], most: usize) -> (Vec<Envelope>, u32) {
    let marked = MARKS
        .iter()
        .any(|mark| memchr::memmem::find(content, mark).is_some());
    let mut found = Found {
        envelopes: Vec::new(),
        total: 0,
        most,
    };
    if marked {
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        let mut deserializer = serde_json::Deserializer::from_slice(content);
        // What breaks off leaves what was read.
        let _ = (&mut found).deserialize(&mut deserializer);
    }
    (found.envelopes, found.total)
}

/// The requests of a document.
struct Found {
    envelopes: Vec<Envelope>,
    total: u32,
    most: usize,
}

impl<'de> DeserializeSeed<'de> for &mut Found {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Found {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request or a batch of them")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<(), A::Error> {
        self.total = self.total.saturating_add(1);
        let mut envelope = Envelope::default();
        let outcome = Object {
            envelope: &mut envelope,
            part: Part::Request,
        }
        .visit_map(members);
        if self.envelopes.len() < self.most {
            self.envelopes.push(envelope);
        }
        outcome
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Item(&mut *self))?.is_some() {}
        Ok(())
    }
}

/// One item of a batch: a request, or something else that is passed over.
struct Item<'a>(&'a mut Found);

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Values that say nothing here are read and forgotten.
macro_rules! pass_over_scalars {
    () => {
        fn visit_bool<E>(self, _: bool) -> Result<(), E> {
            Ok(())
        }

        fn visit_i64<E>(self, _: i64) -> Result<(), E> {
            Ok(())
        }

        fn visit_u64<E>(self, _: u64) -> Result<(), E> {
            Ok(())
        }

        fn visit_f64<E>(self, _: f64) -> Result<(), E> {
            Ok(())
        }

        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }
    };
}

impl<'de> Visitor<'de> for Item<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request")
    }

    pass_over_scalars!();

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<(), A::Error> {
        self.0.visit_map(members)
    }
}

/// Which object of a request is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Request,
    Params,
    Extensions,
    PersistedQuery,
}

/// Reads the members of one object of a request into its envelope.
struct Object<'a> {
    envelope: &'a mut Envelope,
    part: Part,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Object<'_> {
    fn member<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        members: &mut A,
    ) -> Result<(), A::Error> {
        let envelope = &mut *self.envelope;
        let text = match (self.part, name) {
            (Part::Request, "jsonrpc") => &mut envelope.version,
            (Part::Request, "method") => &mut envelope.method,
            (Part::Request, "operationName") => &mut envelope.operation_name,
            (Part::Request, "query") => &mut envelope.query,
            (Part::Params, "name") => &mut envelope.params_name,
            (Part::Params, "protocolVersion") => &mut envelope.params_protocol,
            (Part::PersistedQuery, "sha256Hash") => &mut envelope.persisted,
            _ => return self.inner(name, members),
        };
        let most = if name == "query" {
            usize::MAX
        } else {
            NAME_BYTES_MAX
        };
        members.next_value_seed(Text { text, most })
    }

    /// A member that is no text, or says nothing.
    fn inner<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        members: &mut A,
    ) -> Result<(), A::Error> {
        let envelope = &mut *self.envelope;
        let part = match (self.part, name) {
            (Part::Request, "params") => Part::Params,
            (Part::Request, "extensions") => Part::Extensions,
            (Part::Extensions, "persistedQuery") => Part::PersistedQuery,
            (Part::Request, "payload") => {
                let mut payload = Box::<Envelope>::default();
                let outcome = members.next_value_seed(Object {
                    envelope: &mut payload,
                    part: Part::Request,
                });
                // What is wrapped is not wrapped again.
                payload.payload = None;
                envelope.payload = Some(payload);
                return outcome;
            }
            (Part::Request, "id") => {
                envelope.has_id = true;
                return members.next_value::<IgnoredAny>().map(|_| ());
            }
            (part, _) => {
                envelope.others += u32::from(part == Part::Request);
                return members.next_value::<IgnoredAny>().map(|_| ());
            }
        };
        members.next_value_seed(Object { envelope, part })
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of a request")
    }

    pass_over_scalars!();

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.envelope.params_listed |= self.part == Part::Params;
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<Key>()? {
            self.member(&name.0, &mut members)?;
        }
        Ok(())
    }
}

/// A member's name; it is copied only when it is short enough to be one that is looked for.
struct Key(String);

impl<'de> serde::Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = None;
        Text {
            text: &mut text,
            most: 24,
        }
        .deserialize(deserializer)?;
        Ok(Self(text.unwrap_or_default()))
    }
}

/// Reads a text of at most so many bytes; anything else is passed over.
struct Text<'a> {
    text: &'a mut Option<String>,
    most: usize,
}

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    pass_over_scalars!();

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if text.len() <= self.most {
            *self.text = Some(text.to_owned());
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn methods(content: &str) -> Vec<Option<String>> {
        let (envelopes, _) = read(content.as_bytes(), 8);
        let methods = envelopes.iter().map(Envelope::rpc_method);
        methods.map(|method| method.map(str::to_owned)).collect()
    }

    #[test]
    fn calls_of_json_rpc() {
        let some = |name: &str| Some(name.to_owned());
        for (content, expected) in [
            (r#"{"jsonrpc":"2.0","method":"a","id":1}"#, vec![some("a")]),
            (r#"{"id":1,"method":"a","params":[1]}"#, vec![some("a")]),
            (r#"{"id":1,"method":"a","params":[1],"x":1}"#, vec![None]),
            (r#"{"method":"card","amount":3}"#, vec![None]),
            (r#"{"jsonrpc":"3.0","method":"a","id":1}"#, vec![None]),
            (
                r#"[{"jsonrpc":"2.0","method":"a"},7,{"jsonrpc":"2.0","method":"b"}]"#,
                vec![some("a"), some("b")],
            ),
            (
                r#"{"jsonrpc":"2.0","method":"a","params":{"x":"cut"#,
                vec![some("a")],
            ),
        ] {
            assert_eq!(methods(content), expected, "{content}");
        }
    }

    #[test]
    fn a_batch_is_counted_beyond_what_is_kept() {
        let content = format!(
            "[{}]",
            vec![r#"{"jsonrpc":"2.0","method":"a"}"#; 20].join(",")
        );
        let (envelopes, total) = read(content.as_bytes(), 8);
        assert_eq!((envelopes.len(), total), (8, 20));
    }

    #[test]
    fn persisted_queries() {
        let content = r#"{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}"#;
        let (envelopes, _) = read(content.as_bytes(), 8);
        assert_eq!(envelopes[0].persisted.as_deref(), Some("ab"));
    }
}
