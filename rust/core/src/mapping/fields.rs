//! Lists the standard fields as data, one row each, in screen order.
//! Does not know: custom attributes.
//!
//! The vendor's supported attributes reference defines the fields. RFC 7643 sections 4.1 and 4.3 and the SCIM 1.1 core
//! schema define the paths. The label of a field is its code, because the vendor's guides use the codes.

use super::field::Field;
use super::values::ValueType;

/// The enterprise extension, SCIM 2.0 (RFC 7643 section 4.3).
pub(super) const ENTERPRISE_2: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The enterprise extension, SCIM 1.1.
pub(super) const ENTERPRISE_1: &str = "urn:scim:schemas:extension:enterprise:1.0";

/// One standard field.
struct FieldRow {
    code: &'static str,
    /// The SCIM 2.0 path. A path that begins with `+` is in the enterprise extension.
    path: &'static str,
    /// The SCIM 1.1 path, if it differs.
    path_1: Option<&'static str>,
    traits: &'static [FieldTrait],
    note: &'static str,
    aliases: &'static [&'static str],
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum FieldTrait {
    Required,
    Unique,
    MultiValued,
    WriteOnly,
    CaseInsensitive,
    Reference,
    Binary,
}

use FieldTrait::{Binary, CaseInsensitive, MultiValued, Reference, Required, Unique, WriteOnly};

const fn row(code: &'static str, path: &'static str) -> FieldRow {
    FieldRow { code, path, path_1: None, traits: &[], note: "", aliases: &[] }
}

const fn row_with_note(code: &'static str, path: &'static str, note: &'static str) -> FieldRow {
    FieldRow { note, ..row(code, path) }
}

const FIELD_ROWS: &[FieldRow] = &[
    FieldRow {
        traits: &[Required, Unique, CaseInsensitive],
        ..row_with_note(
            "userName",
            "userName",
            "The name that the user signs in with. It must be unique at the target.",
        )
    },
    row("givenName", "name.givenName"),
    row("familyName", "name.familyName"),
    row("middleName", "name.middleName"),
    row_with_note("honorificPrefix", "name.honorificPrefix", "A title before the name, for example Dr."),
    row_with_note("honorificSuffix", "name.honorificSuffix", "An addition after the name, for example III."),
    row_with_note("formattedName", "name.formatted", "The whole name, as it is displayed."),
    FieldRow {
        traits: &[CaseInsensitive],
        ..row_with_note("workEmail", "emails[type eq \"work\"].value", "Can be the Unique User Identifier.")
    },
    FieldRow { traits: &[CaseInsensitive], ..row("homeEmail", "emails[type eq \"home\"].value") },
    FieldRow { traits: &[CaseInsensitive], ..row("otherEmail", "emails[type eq \"other\"].value") },
    row("displayName", "displayName"),
    row("title", "title"),
    row_with_note("externalId", "externalId", "The user's identifier at the source."),
    FieldRow {
        traits: &[WriteOnly],
        ..row_with_note(
            "password",
            "password",
            "Sent only when the user is created. Select Create Only and Mask Log Values.",
        )
    },
    row_with_note("preferredLanguage", "preferredLanguage", "A language tag, for example en-US."),
    row_with_note(
        "userType",
        "userType",
        "Free text, for example Contractor, Employee, Intern, Temp, External or Unknown.",
    ),
    row_with_note("locale", "locale", "A language tag for dates, numbers and currency, for example en-US."),
    row("nickName", "nickName"),
    FieldRow { traits: &[Reference], ..row_with_note("profileUrl", "profileUrl", "A URL.") },
    FieldRow {
        traits: &[Reference],
        ..row_with_note("profilePhotoUrl", "photos[type eq \"photo\"].value", "The URL of an image file.")
    },
    FieldRow {
        traits: &[Reference],
        ..row_with_note("profileThumbnailUrl", "photos[type eq \"thumbnail\"].value", "The URL of a small image file.")
    },
    row_with_note("timezone", "timezone", "An IANA time zone, for example America/Los_Angeles."),
    row("workPhone", "phoneNumbers[type eq \"work\"].value"),
    row("mobilePhone", "phoneNumbers[type eq \"mobile\"].value"),
    row("pagerPhone", "phoneNumbers[type eq \"pager\"].value"),
    row("faxPhone", "phoneNumbers[type eq \"fax\"].value"),
    row("homePhone", "phoneNumbers[type eq \"home\"].value"),
    row("otherPhone", "phoneNumbers[type eq \"other\"].value"),
    FieldRow {
        // The spellings in the vendor's Code42 guides for PingFederate and for PingOne.
        aliases: &["workStreet", "workStreetAddeess"],
        ..row("workStreetAddress", "addresses[type eq \"work\"].streetAddress")
    },
    row("workCity", "addresses[type eq \"work\"].locality"),
    row("workState", "addresses[type eq \"work\"].region"),
    row("workPostalCode", "addresses[type eq \"work\"].postalCode"),
    row_with_note("workCountry", "addresses[type eq \"work\"].country", COUNTRY_NOTE),
    row_with_note("workFormattedAddress", "addresses[type eq \"work\"].formatted", ADDRESS_NOTE),
    row("homeStreetAddress", "addresses[type eq \"home\"].streetAddress"),
    row("homeCity", "addresses[type eq \"home\"].locality"),
    row("homeState", "addresses[type eq \"home\"].region"),
    row("homePostalCode", "addresses[type eq \"home\"].postalCode"),
    row_with_note("homeCountry", "addresses[type eq \"home\"].country", COUNTRY_NOTE),
    row_with_note("homeFormattedAddress", "addresses[type eq \"home\"].formatted", ADDRESS_NOTE),
    row("otherStreetAddress", "addresses[type eq \"other\"].streetAddress"),
    row("otherCity", "addresses[type eq \"other\"].locality"),
    row("otherState", "addresses[type eq \"other\"].region"),
    row("otherPostalCode", "addresses[type eq \"other\"].postalCode"),
    row_with_note("otherCountry", "addresses[type eq \"other\"].country", COUNTRY_NOTE),
    row_with_note("otherFormattedAddress", "addresses[type eq \"other\"].formatted", ADDRESS_NOTE),
    row("qqIm", "ims[type eq \"qq\"].value"),
    row("skypeIm", "ims[type eq \"skype\"].value"),
    row("gtalkIm", "ims[type eq \"gtalk\"].value"),
    row("aimIm", "ims[type eq \"aim\"].value"),
    row("icqIm", "ims[type eq \"icq\"].value"),
    row("yahooIm", "ims[type eq \"yahoo\"].value"),
    row("msnIm", "ims[type eq \"msn\"].value"),
    row("xmppIm", "ims[type eq \"xmpp\"].value"),
    FieldRow { traits: &[MultiValued], ..row_with_note("entitlements", "entitlements.value", LIST_NOTE) },
    FieldRow { traits: &[MultiValued], ..row_with_note("roles", "roles.value", LIST_NOTE) },
    FieldRow {
        traits: &[MultiValued, Binary],
        ..row_with_note(
            "certificates",
            "x509Certificates.value",
            "A list of X.509 certificates, each the Base64 text of its DER form.",
        )
    },
    row("employeeNumber", "+employeeNumber"),
    row("costCenter", "+costCenter"),
    row("organization", "+organization"),
    row("division", "+division"),
    row("department", "+department"),
    FieldRow {
        path_1: Some("+manager.managerId"),
        ..row_with_note("manager", "+manager.value", "The id of the manager at the target, not a name or DN.")
    },
];

const COUNTRY_NOTE: &str = "A two-letter country code of ISO 3166-1, for example US.";
const ADDRESS_NOTE: &str = "The whole address, as it is displayed.";
const LIST_NOTE: &str = "A list. The connector sends every value of the mapped attribute.";

/// Replaces the `+` of a path with the URN of the extension.
fn full_path(path: &str, enterprise: &str) -> String {
    path.strip_prefix('+').map_or_else(|| path.to_owned(), |rest| format!("{enterprise}:{rest}"))
}

impl From<&FieldRow> for Field {
    fn from(row: &FieldRow) -> Self {
        let has = |field_trait| row.traits.contains(&field_trait);
        Self {
            code: row.code.to_owned(),
            label: row.code.to_owned(),
            required: has(Required),
            unique: has(Unique),
            multi_valued: has(MultiValued),
            write_only: has(WriteOnly),
            case_insensitive: has(CaseInsensitive),
            value_type: match () {
                () if has(Reference) => ValueType::Reference,
                () if has(Binary) => ValueType::Binary,
                () => ValueType::String,
            },
            scim2: full_path(row.path, ENTERPRISE_2),
            scim1: Some(full_path(row.path_1.unwrap_or(row.path), ENTERPRISE_1)),
            options: Vec::new(),
            notes: Some(row.note).filter(|note| !note.is_empty()).map(str::to_owned).into_iter().collect(),
            aliases: row.aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        }
    }
}

/// Returns the standard fields, in screen order.
pub(super) fn standard() -> Vec<Field> {
    FIELD_ROWS.iter().map(Field::from).collect()
}
