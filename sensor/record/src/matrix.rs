//! Where the matrix parameters of a segment of a path begin (RFC 3986 section 3.3). The sensor that
//! reads them and the analyzer that leaves them out have to see the same ones.

/// Place of the `;` that ends a segment's own text, where all that is behind it is named
/// (`cars;color=red;year=2012`: 4). What has no name is a list (`1;2;3`: none), or a part of the text.
///
/// It is 0 where a parameter stands for the segment (`;id=17`, OpenAPI's style `matrix`).
#[must_use]
pub fn matrix_at(segment: &[u8]) -> Option<usize> {
    let at = segment.iter().position(|byte| *byte == b';')?;
    let behind = segment.get(at + 1..)?;
    let is_named = |part: &[u8]| part.iter().position(|byte| *byte == b'=') > Some(0);
    behind
        .split(|byte| *byte == b';')
        .all(is_named)
        .then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_behind_is_named() {
        for (segment, at) in [
            ("cars;color=red;year=2012", Some(4)),
            ("login;jsessionid=", Some(5)),
            (";id=17", Some(0)),
            ("cars", None),
            ("1;2;3", None),
            ("a;b=1;c", None),
            ("a;=1", None),
            ("a;", None),
            (";", None),
            ("", None),
        ] {
            assert_eq!(matrix_at(segment.as_bytes()), at, "{segment}");
        }
    }
}
