//! Every cap and threshold of template learning, with its reason.

/// Settings of template learning for one host; the defaults are what is recommended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TemplateSettings {
    /// Most segments a path may have to be learned from; deeper paths are counted and left.
    /// The deepest public API we know of has 20.
    pub max_depth: usize,
    /// Longest segment kept as text, in bytes; longer ones count as opaque values.
    pub max_segment_len: usize,
    /// Most nodes of a host's evidence trie (about 200 bytes each); beyond it no new paths are
    /// learned, and that is counted.
    pub max_nodes: usize,
    /// Most text children of one node kept apart; beyond it all further ones share one child.
    pub max_children: usize,
    /// Most methods kept apart on one path; a client can invent any number.
    pub max_methods: usize,
    /// Most candidates held back at a time; the oldest gives way, and that is counted. Scanners
    /// try a few thousand paths.
    pub max_waiting: usize,
    /// Most candidates of a host whose paths are kept to be shown (about 150 bytes each); of the
    /// others the number is.
    pub max_waiting_named: usize,
    /// Distinct consumers from which on a doubtful path (only ever 401, 403 or an unstructured
    /// page) is believed; one or two may be scanners.
    pub doubtful_consumers: usize,
    /// Text children of one raw node from which on decided values are folded into one.
    pub fold_children: usize,
    /// Nanoseconds of packet time after which undecided evidence is decided on, however little.
    pub decide_after: i64,
    /// The same for each path of the host on top: a decision goes through all of them.
    pub decide_after_per_leaf: i64,
}

impl Default for TemplateSettings {
    fn default() -> Self {
        Self {
            max_depth: 32,
            max_segment_len: 128,
            max_nodes: 40_000,
            max_children: 512,
            max_methods: 16,
            max_waiting: 4096,
            max_waiting_named: 256,
            doubtful_consumers: 3,
            fold_children: 192,
            decide_after: 10_000_000_000,
            decide_after_per_leaf: 1_000_000,
        }
    }
}
