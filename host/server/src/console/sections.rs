//! The sections of the console: what its navigation lists.

/// A section, with a page of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// The first segment of its paths; none for the overview.
    pub(super) slug: &'static str,
    pub(super) label: &'static str,
    /// The heading that it stands under.
    pub(super) group: &'static str,
    /// The path data of its icon, 16 by 16.
    pub(super) icon: &'static str,
}

/// All of them, in the order of the navigation.
pub(super) const ALL: [Section; 11] =
    [OVERVIEW, SERVICES, ROUTES, BREAKERS, EVENTS, SUBSCRIPTIONS, DEAD_LETTERS, QUEUES, SAGAS, KV, LOGS];

macro_rules! section {
    ($name:ident, $slug:literal, $label:literal, $group:literal, $icon:literal) => {
        #[doc = concat!("The section ", $label, ".")]
        pub(super) const $name: Section = Section { slug: $slug, label: $label, group: $group, icon: $icon };
    };
}

section!(OVERVIEW, "", "Overview", "Traffic", "M2 13V9h3v4M6.5 13V3h3v10M11 13V6h3v7");
section!(SERVICES, "services", "Services", "Traffic", "M8 1.8 14 5v6l-6 3.2L2 11V5zM2 5l6 3.2L14 5M8 8.2v6");
section!(ROUTES, "routes", "Routes", "Traffic", "M3 3v4a2 2 0 0 0 2 2h8M10 6l3 3-3 3M3 13v-2");
section!(BREAKERS, "breakers", "Breakers", "Traffic", "M1.5 11H5l5-6M11 11h3.5M5 11v0M11 11v0");
section!(EVENTS, "events", "Events", "Messaging", "M9 1.5 3.5 9H8l-1 5.5L12.5 7H8z");
section!(
    SUBSCRIPTIONS,
    "subscriptions",
    "Subscriptions",
    "Messaging",
    "M2.5 13.5v0M2.5 8.500a5 5 0 0 1 5 5M2.500 3.500a10 10 0 0 1 10 10"
);
section!(
    DEAD_LETTERS,
    "dead-letters",
    "Dead letters",
    "Messaging",
    "M1.8 3.500h12.400v9H1.800zM1.800 4l6.200 5 6.200-5M5.500 12l-1-1"
);
section!(QUEUES, "queues", "Queues", "Messaging", "M2 3.500h12M2 8h12M2 12.500h7");
section!(
    SAGAS,
    "sagas",
    "Sagas",
    "State",
    "M3.500 3.500h5M12.500 3.500a2.250 2.250 0 0 1 0 4.500h-9a2.250 2.250 0 0 0 0 4.500h9M8.500 3.500h4"
);
section!(KV, "kv", "Key-value", "State", "M5.500 8a3 3 0 1 1 0-.1zM5.500 8H14v3M11 8v2");
section!(LOGS, "logs", "Logs", "Diagnose", "M2.500 2.500h11v11h-11zM5 6l2 2-2 2M8.500 10.500H11");

/// The section whose page, or below whose page, a path is.
pub(super) fn of(path: &str) -> Option<Section> {
    let slug = match path.strip_prefix('/')?.split('/').next()? {
        // They are what is behind services.
        "plugins" => SERVICES.slug,
        slug => slug,
    };
    ALL.into_iter().find(|section| section.slug == slug && (!slug.is_empty() || path == "/"))
}

// === impl Section ===

impl Section {
    /// The path of its page.
    pub(super) fn path(self) -> String {
        format!("/{}", self.slug)
    }
}
