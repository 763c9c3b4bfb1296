//! Every cap of this stage, with its reason.

use crate::text::CustomClasses;

/// Caps of the redactor. The defaults are what is recommended.
///
/// Together they hold the serialised record of one exchange under
/// [`RECORD_BYTES_MAX`](Self::RECORD_BYTES_MAX) whatever is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedactSettings {
    /// Segments of a path that are kept. Real APIs stay under 20; the rest becomes one segment of
    /// class `overlong`.
    pub path_segments_max: usize,
    /// Bytes of one literal segment as written to the record. File names and slugs stay under 200;
    /// a longer segment becomes class `overlong`.
    pub segment_bytes_max: usize,
    /// Bytes of all literal segments of a path together.
    pub path_bytes_max: usize,
    /// Query parameters that are kept; real requests stay under 40.
    pub parameters_max: usize,
    /// Header names that are kept for a message; browsers send about 20, proxies add 10.
    pub header_names_max: usize,
    /// Bytes of a name (header, parameter, cookie, field); a longer one becomes `{overlong}`.
    pub name_bytes_max: usize,
    /// Credentials of one request; more than a handful is an attack or an accident.
    pub credentials_max: usize,
    /// Signals of one exchange.
    pub signals_max: usize,
    /// Depth of a shape. Deeper values are read for data classes but not described.
    pub shape_depth_max: usize,
    /// Fields of one shape. A GitHub pull request, among the largest usual bodies, has about 400.
    pub shape_fields_max: usize,
    /// Bytes of all field names of one shape.
    pub shape_name_bytes_max: usize,
    /// Fields of one object from which on it is taken for a map when they look alike.
    pub map_fields_min: usize,
    /// Bytes that one content coding may decode to; bounds work and memory for a bomb.
    pub decoded_bytes_max: usize,
    /// Bytes that a coding may give for each byte it takes. Text seldom reaches 30, logs and tables
    /// of zeros 100; deflate can reach 1032 and the others more, which only bombs do.
    pub decoded_ratio_max: usize,
    /// Bytes that a coding may give whatever the ratio: a few bytes of JSON that repeats itself are
    /// no bomb.
    pub decoded_free_bytes: usize,
    /// Content codings that are undone on one body; more than two are never honest.
    pub codings_max: usize,
    /// Operations of one request that are kept; gateways refuse batches of more than 10 to 100.
    pub operations_max: usize,
    /// Fields at the top level of an operation that are kept.
    pub operation_fields_max: usize,
    /// Bytes of the name of an operation; names of gRPC services with their packages are the
    /// longest.
    pub operation_name_bytes_max: usize,
    /// Depth of a GraphQL operation from which on it is worth a signal; introspection by common
    /// clients reaches 13.
    pub graphql_depth_min: u32,
    /// Aliases or batched operations of a GraphQL request from which on they are worth a signal.
    pub graphql_batch_min: u32,
    /// Fields of the shape of the messages of one direction.
    pub message_fields_max: usize,
    /// Distinct values counted for each data class of one message; the count stays there.
    pub distinct_values_max: usize,
    /// Bodies of the responses of one kind (endpoint, operation, status, media type, about how long)
    /// that are looked at in any case, in each of 48 groups of connections: enough to learn what
    /// they look like, and whether there is data in them.
    pub sampling_first: u32,
    /// Of further ones, while none of them had data in it, one in so many is looked at. 0 and 1
    /// look at all.
    pub sampling_every: u32,
    /// Bodies of which it is remembered what they told, so that they need not be read again: about as
    /// many as a large API has that are fetched or sent over and over.
    pub known_bodies_max: usize,
    /// Fields of all of their shapes; some 170 bytes each.
    pub known_body_fields_max: usize,
    /// Names of fields of which it is remembered that they are harmless, and what they promise: as
    /// many as a few large APIs have; some 50 bytes each.
    pub known_names_max: usize,
    /// Values of which the token is remembered: credentials, products, choices in queries; 24 bytes
    /// each. As many as callers who are about at once, and more.
    pub known_tokens_max: usize,
    /// Lists of names (of header fields, of cookies) that are remembered, and as many hosts, media
    /// types and products: each kind of client and server has a few; some kilobytes each at most.
    pub known_lists_max: usize,
    /// JSON Web Tokens of which it is remembered what they say, and as many values of Authorization
    /// and of parameters; some 100, 250 and 200 bytes each.
    pub known_jwts_max: usize,
    /// Bytes of a JSON Web Token's part that are decoded for its claims.
    pub jwt_part_bytes_max: usize,
    /// Classes of data that the configuration defines beside the built-in ones.
    pub custom_classes: CustomClasses,
}

impl RedactSettings {
    /// A name as it may stand in the record.
    pub(crate) fn name(&self, name: &[u8]) -> String {
        let classes = &self.custom_classes;
        classes.safe_name(name, self.name_bytes_max).into_owned()
    }

    /// What the defaults promise about the serialised record of any exchange.
    pub const RECORD_BYTES_MAX: usize = 128 * 1024;
}

/// What a field of a remembered body takes.
const KNOWN_FIELD_BYTES: usize = 170;

impl RedactSettings {
    /// Takes the redactor's part of the cap on memory for what it remembers, a thirty-second.
    /// What is not remembered is read again: it tells the same.
    pub fn divide_memory(&mut self, bytes: usize) {
        let fields = bytes / 32 / KNOWN_FIELD_BYTES;
        self.known_body_fields_max = self.known_body_fields_max.min(fields);
    }
}

impl Default for RedactSettings {
    fn default() -> Self {
        Self {
            path_segments_max: 64,
            segment_bytes_max: 256,
            path_bytes_max: 4096,
            parameters_max: 64,
            header_names_max: 64,
            name_bytes_max: 64,
            credentials_max: 16,
            signals_max: 8,
            shape_depth_max: 16,
            shape_fields_max: 512,
            shape_name_bytes_max: 12 * 1024,
            map_fields_min: 48,
            decoded_bytes_max: 256 * 1024,
            decoded_ratio_max: 128,
            decoded_free_bytes: 32 * 1024,
            codings_max: 2,
            operations_max: 32,
            operation_fields_max: 16,
            operation_name_bytes_max: 160,
            graphql_depth_min: 16,
            graphql_batch_min: 32,
            message_fields_max: 96,
            distinct_values_max: 1024,
            sampling_first: 64,
            sampling_every: 8,
            known_bodies_max: 8192,
            known_body_fields_max: 96 * 1024,
            known_names_max: 4096,
            known_tokens_max: 8192,
            known_lists_max: 1024,
            known_jwts_max: 4096,
            jwt_part_bytes_max: 8 * 1024,
            custom_classes: CustomClasses::default(),
        }
    }
}
