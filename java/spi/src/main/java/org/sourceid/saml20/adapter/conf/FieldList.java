package org.sourceid.saml20.adapter.conf;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/** Configured fields in the order of their screen. */
public abstract class FieldList implements Serializable {
    private static final long serialVersionUID = 1L;

    private static final Field MISSING = new Field(null, null);

    private final List<Field> fields;

    protected FieldList() {
        this(new ArrayList<Field>());
    }

    protected FieldList(List<Field> fields) {
        this.fields = fields;
    }

    public List<Field> getFields() {
        return fields;
    }

    /** The field of that name, or null. */
    public Field getField(String name) {
        for (Field field : fields) {
            if (field.getName().equals(name)) {
                return field;
            }
        }
        return null;
    }

    /** The value of that field; null where there is no such field. */
    public String getFieldValue(String name) {
        return orMissing(name).getValue();
    }

    public int getIntFieldValue(String name) {
        return orMissing(name).getValueAsInt();
    }

    public long getLongFieldValue(String name) {
        return orMissing(name).getValueAsLong();
    }

    public float getFloatFieldValue(String name) {
        return orMissing(name).getValueAsFloat();
    }

    public double getDoubleFieldValue(String name) {
        return orMissing(name).getValueAsDouble();
    }

    public boolean getBooleanFieldValue(String name) {
        return orMissing(name).getValueAsBoolean();
    }

    public byte[] getFileFieldValueAsByteArray(String name) {
        return orMissing(name).getFileValueAsByteArray();
    }

    /** The misspelt name is the real one. */
    public String getFileFiledValueAsString(String name) {
        return orMissing(name).getFileValueAsString();
    }

    public boolean isEmpty() {
        return fields.isEmpty();
    }

    /** The names of the fields, without their values: some are secrets. */
    @Override
    public String toString() {
        return fields.toString();
    }

    private Field orMissing(String name) {
        Field field = getField(name);
        return field == null ? MISSING : field;
    }
}
