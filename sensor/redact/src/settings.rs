//! Every cap of this stage, with its reason.

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
    /// Content codings that are undone on one body; more than two are never honest.
    pub codings_max: usize,
    /// Distinct values counted for each data class of one message; the count stays there.
    pub distinct_values_max: usize,
    /// Bytes of a JSON Web Token's part that are decoded for its claims.
    pub jwt_part_bytes_max: usize,
}

impl RedactSettings {
    /// What the defaults promise about the serialised record of any exchange.
    pub const RECORD_BYTES_MAX: usize = 128 * 1024;
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
            codings_max: 2,
            distinct_values_max: 1024,
            jwt_part_bytes_max: 8 * 1024,
        }
    }
}
