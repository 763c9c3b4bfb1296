//! Stage 4: the raw exchange becomes the redacted record. The only stage that sees both.
//!
//! Pure. Classifies path segments, parameters, headers and body fields; replaces what is personal
//! or secret by keyed tokens; reduces bodies to their shape.

use tapscope_http::HttpExchange;
use tapscope_record::ExchangeRecord;

/// The installation's key for tokens: 32 random bytes, never logged.
#[derive(Clone)]
pub struct TokenKey(pub [u8; 32]);

/// Makes records of exchanges.
pub struct Redactor {}

impl Redactor {
    /// A redactor that makes its tokens under `key`.
    #[must_use]
    pub fn new(_key: TokenKey) -> Self {
        Self {}
    }

    /// The record of one exchange.
    pub fn record(&mut self, _exchange: &HttpExchange) -> ExchangeRecord {
        unimplemented!()
    }
}
