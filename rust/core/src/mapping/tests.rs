use super::*;

#[test]
fn there_are_63_standard_fields_in_both_versions() {
    for version in [Version::V1_1, Version::V2_0] {
        assert_eq!(Catalogue::standard(version).fields().len(), 63);
    }
}
