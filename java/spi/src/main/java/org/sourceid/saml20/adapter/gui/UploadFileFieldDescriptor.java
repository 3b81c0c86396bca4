package org.sourceid.saml20.adapter.gui;

/** A row that takes a file. */
public class UploadFileFieldDescriptor extends FieldDescriptor {
    private static final long serialVersionUID = 1L;

    public UploadFileFieldDescriptor(String name, String description) {
        super(name, description);
    }

    /** A file has no default: the value is ignored. */
    @Override
    public void setDefaultValue(String value) {
        super.setDefaultValue(null);
    }
}
