package com.pingidentity.provisioner.mapping;

import java.util.Collections;
import java.util.List;

/**
 * The default mapping of one field from the directory, as the files of default mappings define it.
 *
 * <p>Signatures contain it as a type argument only. Its members here are for tests and differ from those of the server.
 */
public class FieldConfig {
    private final List<String> attributeNames;
    private final boolean createOnly;
    private final boolean masked;

    /** Creates a mapping from one directory attribute. If {@code attributeName} is null, it has no attribute. */
    public FieldConfig(String attributeName, boolean createOnly, boolean masked) {
        this.attributeNames =
            attributeName == null ? Collections.<String>emptyList() : Collections.singletonList(attributeName);
        this.createOnly = createOnly;
        this.masked = masked;
    }

    /** Returns the directory attributes that supply the value. */
    public List<String> getAttributeNames() {
        return attributeNames;
    }

    /** Returns whether the field is sent only when a user is created. */
    public boolean isCreateOnly() {
        return createOnly;
    }

    /** Returns whether the value must not be logged. */
    public boolean isMasked() {
        return masked;
    }
}
