//! Proofs in header fields of their own: signatures over the request, and what a proxy says of the
//! client's certificate.
//!
//! A signature is another one for each call, so it names nobody: its token is that of its key where
//! the field has one, of the field's name else. What is said of a certificate is a hint: whoever
//! reaches the server past the proxy can write it as well.

use tapscope_record::{Credential, Token};

use super::push;
use crate::redactor::Work;
use crate::token::TokenUse;

/// What a field proves.
#[derive(Clone, Copy, PartialEq)]
enum Proof {
    /// A signature with a shared key.
    Hmac,
    /// A signature as RFC 9421 has it.
    Signature,
    /// A client certificate, or its subject.
    Certificate,
    /// Envoy's list of what it knows of one.
    Envoy,
}

/// The fields, lower case, sorted.
const FIELDS: [(&str, Proof); 28] = [
    ("client-cert", Proof::Certificate),
    ("linear-signature", Proof::Hmac),
    ("signature-input", Proof::Signature),
    ("ssl-client-cert", Proof::Certificate),
    ("ssl-client-subject-dn", Proof::Certificate),
    ("stripe-signature", Proof::Hmac),
    ("svix-signature", Proof::Hmac),
    ("webhook-signature", Proof::Hmac),
    ("x-amzn-mtls-clientcert", Proof::Certificate),
    ("x-amzn-mtls-clientcert-leaf", Proof::Certificate),
    ("x-amzn-mtls-clientcert-subject", Proof::Certificate),
    ("x-arr-clientcert", Proof::Certificate),
    ("x-client-cert", Proof::Certificate),
    ("x-client-dn", Proof::Certificate),
    ("x-client-subject", Proof::Certificate),
    ("x-forwarded-client-cert", Proof::Envoy),
    ("x-forwarded-tls-client-cert", Proof::Certificate),
    ("x-hmac-signature", Proof::Hmac),
    ("x-hub-signature", Proof::Hmac),
    ("x-hub-signature-256", Proof::Hmac),
    ("x-line-signature", Proof::Hmac),
    ("x-shopify-hmac-sha256", Proof::Hmac),
    ("x-signature", Proof::Hmac),
    ("x-slack-signature", Proof::Hmac),
    ("x-ssl-client-cert", Proof::Certificate),
    ("x-ssl-client-dn", Proof::Certificate),
    ("x-ssl-client-s-dn", Proof::Certificate),
    ("x-twilio-signature", Proof::Hmac),
];

/// Longest of the names.
const NAME_BYTES_MAX: usize = 32;

/// The field of that name that is a proof.
fn field(name: &[u8]) -> Option<&'static (&'static str, Proof)> {
    let mut buffer = [0; NAME_BYTES_MAX];
    let lower = buffer.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let lower: &[u8] = lower;
    let at = FIELDS.binary_search_by(|(field, _)| field.as_bytes().cmp(lower));
    FIELDS.get(at.ok()?)
}

/// Whether a field of this name is a proof.
pub(crate) fn is_proof(name: &[u8]) -> bool {
    field(name).is_some()
}

/// Reads such a field.
pub(super) fn read(work: &mut Work<'_>, name: &[u8], value: &[u8]) {
    let Some((field, proof)) = field(name) else {
        return;
    };
    let who = |work: &Work<'_>, text: &[u8]| work.tokens.token(TokenUse::Subject, text);
    let (scheme, subject): (_, Option<Token>) = match proof {
        Proof::Hmac => ("hmac", None),
        Proof::Signature => {
            let key = element(value, b"keyid=", b';');
            ("signature", key.map(|key| who(work, key)))
        }
        Proof::Certificate => ("mtls", Some(who(work, value))),
        Proof::Envoy => {
            // Of several proxies the one nearest to the server says what this hop saw; the hash
            // names the certificate best.
            let last = value.rsplit(|byte| *byte == b',').next().unwrap_or(value);
            let named = element(last, b"hash=", b';').or_else(|| element(last, b"subject=", b';'));
            ("mtls", Some(who(work, named.unwrap_or(last))))
        }
    };
    let names = if *proof == Proof::Hmac {
        field.as_bytes()
    } else {
        value
    };
    let credential = Credential {
        scheme: scheme.into(),
        location: "header".into(),
        name: (*field).into(),
        token: work.tokens.token(TokenUse::Credential, names),
        subject,
        jwt: None,
    };
    push(work, credential);
}

/// The value of an element of a list, unquoted; its name with `=`, in lower case.
fn element<'a>(list: &'a [u8], name: &[u8], separator: u8) -> Option<&'a [u8]> {
    list.split(|byte| *byte == separator).find_map(|part| {
        let part = part.trim_ascii();
        let (head, value) = part.split_at_checked(name.len())?;
        head.eq_ignore_ascii_case(name).then(|| {
            let value = value.strip_prefix(b"\"").unwrap_or(value);
            value.strip_suffix(b"\"").unwrap_or(value)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_sorted_and_short_enough() {
        assert!(FIELDS.is_sorted_by_key(|(name, _)| *name));
        let short = |(name, _): &(&str, Proof)| name.len() <= NAME_BYTES_MAX;
        assert!(FIELDS.iter().all(short));
        assert!(is_proof(b"X-Signature") && !is_proof(b"X-Signatures"));
    }

    #[test]
    fn elements_of_a_list() {
        let list = b"By=spiffe://a;Hash=ab12;Subject=\"CN=jo,O=x\"";
        assert_eq!(element(list, b"hash=", b';'), Some(&b"ab12"[..]));
        assert_eq!(element(list, b"subject=", b';'), Some(&b"CN=jo,O=x"[..]));
        assert_eq!(element(list, b"uri=", b';'), None);
    }
}
