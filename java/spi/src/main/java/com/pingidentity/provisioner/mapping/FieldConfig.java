package com.pingidentity.provisioner.mapping;

import java.util.Collections;
import java.util.List;

/**
 * How one field is filled from the directory, as the default mapping files tell it.
 *
 * <p>It appears in signatures as a type argument only; its members here are what the test host reads back, not the
 * server's.
 */
public class FieldConfig {
    private final List<String> attributeNames;
    private final boolean createOnly;
    private final boolean masked;

    /** A mapping from one directory attribute, or from none where {@code attributeName} is null. */
    public FieldConfig(String attributeName, boolean createOnly, boolean masked) {
        this.attributeNames =
            attributeName == null ? Collections.<String>emptyList() : Collections.singletonList(attributeName);
        this.createOnly = createOnly;
        this.masked = masked;
    }

    /** The directory attributes that fill the field. */
    public List<String> getAttributeNames() {
        return attributeNames;
    }

    /** Whether the field is sent when a user is created, and never again. */
    public boolean isCreateOnly() {
        return createOnly;
    }

    /** Whether the value must not be written to any log. */
    public boolean isMasked() {
        return masked;
    }
}
